//! Locations, scopes, inlining and names of variables.

use stanch_static::frontend::read;
use stanch_static::ir::{Location, Module, Op};

use crate::well_formed::{self, Order};

fn module(text: &str) -> Module {
    let reading = read(text.as_bytes(), &|_| false);
    assert_eq!(reading.not_understood, []);
    assert_eq!(well_formed::check(&reading.module, Order::Checked), Ok(()));
    reading.module
}

const METADATA: &str = r#"
!1 = !DIFile(filename: "./dir/a.c", directory: "/src/")
!2 = distinct !DISubprogram(name: "f", linkageName: "_ZN1n1fEv", scope: !1, file: !1, line: 3, type: !20)
!3 = distinct !DILexicalBlock(scope: !2, file: !1, line: 4, column: 2)
!4 = !DILocation(line: 5, column: 7, scope: !3)
!5 = distinct !DISubprogram(name: "inner", linkageName: "_ZN1n5innerEv", scope: !6, file: !6, line: 1)
!6 = !DIFile(filename: "/inc/b.h", directory: "/src")
!7 = !DILocation(line: 9, column: 1, scope: !5, inlinedAt: !4)
!8 = !DILocalVariable(name: "p", arg: 1, scope: !2, file: !1, line: 3, type: !9)
!9 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !10, size: 64)
!10 = !DIDerivedType(tag: DW_TAG_const_type, baseType: !11)
!11 = !DIBasicType(name: "char", size: 8)
!12 = !DILocation(line: 1, scope: !3, inlinedAt: !13)
!13 = !DILocation(line: 2, scope: !3, inlinedAt: !12)
!20 = !DISubroutineType(types: !21)
!21 = !{!9, !9}
"#;

#[test]
fn locations_have_file_scope_and_inlining() {
    let code = "define void @_ZN1n1fEv(ptr %0) !dbg !2 {\n  fence seq_cst\n  \
                store i32 1, ptr %0, align 4, !tbaa !0, !dbg !7\n  \
                ret void, !dbg !4\n}\n";
    let module = module(&format!("{code}{METADATA}"));
    let function = &module.functions[0];
    assert_eq!(function.name, "n::f");
    let file = |location: &Location| module.files[location.file.unwrap().index()].as_str();
    let at = module.location(function.blocks[0].instructions[0].location);
    assert_eq!((file(at), at.line, at.column), ("/inc/b.h", 9, 1));
    assert_eq!(at.inlined_function.as_deref(), Some("n::inner"));
    let outer = module.location(at.inlined_at.unwrap());
    assert_eq!((file(outer), outer.line, outer.column, outer.inlined_at), ("/src/dir/a.c", 5, 7, None));
    assert_eq!(module.location(function.blocks[0].location), outer);
    assert_eq!(module.location(function.location).line, 3);
    assert!(function.returns_const);
}

#[test]
fn variables_are_named_by_old_and_new_records() {
    for record in [
        "    #dbg_declare(ptr %2, !8, !DIExpression(), !4)\n",
        "  call void @llvm.dbg.declare(metadata ptr %2, metadata !8, metadata !DIExpression()), !dbg !4\n",
    ] {
        let code = format!(
            "declare void @llvm.dbg.declare(metadata, metadata, metadata)\ndefine void @f(ptr %0) {{\n  \
             %2 = alloca ptr\n  \
             store ptr %0, ptr %2\n{record}  ret void\n}}\n"
        );
        let module = module(&format!("{code}{METADATA}"));
        let function = &module.functions[0];
        let Op::StackSlot { variable: Some(id), .. } = function.blocks[0].instructions[0].op else {
            panic!("{record}")
        };
        let variable = &function.variables[id.index()];
        assert_eq!((variable.name.as_str(), variable.type_name.as_deref()), ("p", Some("const char *")));
        assert_eq!((variable.parameter, module.location(variable.location).line), (Some(0), 3));
        let parameter = &function.parameters[0];
        assert!(parameter.name.as_deref() == Some("p") && parameter.is_pointer_to_const);
    }
    // Optimised code has no slot: the value is the parameter.
    let code = "define void @f(ptr %0) {\n    #dbg_value(ptr %0, !8, !DIExpression(), !4)\n  ret void\n}\n";
    assert_eq!(module(&format!("{code}{METADATA}")).functions[0].parameters[0].name.as_deref(), Some("p"));
}

#[test]
fn parameters_of_declarations_are_known_by_name_or_debug_information() {
    let code =
        "declare !dbg !2 ptr @plain(ptr)\ndeclare ptr @_Z1gPcPKc(ptr, ptr)\ndeclare void @_ZNK1A1hEPc(ptr, ptr)\n";
    let module = module(&format!("{code}{METADATA}"));
    let is_const =
        |index: usize| module.functions[index].parameters.iter().map(|one| one.is_pointer_to_const).collect::<Vec<_>>();
    assert_eq!((is_const(0), is_const(1), is_const(2)), (vec![true], vec![false, true], vec![true, false]));
}

#[test]
fn rings_of_inlining_end() {
    let code = "define void @f() {\n  ret void, !dbg !12\n}\n";
    module(&format!("{code}{METADATA}"));
}
