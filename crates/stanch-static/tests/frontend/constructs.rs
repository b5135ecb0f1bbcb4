//! Each construct of LLVM IR, in the spelling of old and new versions, and what it becomes.

use stanch_static::frontend::{Reading, read};
use stanch_static::ir::{
    BinaryOp, BlockId, Callee, Clause, Function, FunctionId, GlobalId, Module, Op, Operand, Pass, Predicate, Scaled,
    Symbol, Terminator, Type,
};

use crate::well_formed::{self, Order};

const PRELUDE: &str = "target datalayout = \"e-m:e-i64:64-f80:128-n8:16:32:64-S128\"
%S = type { i8, i32, [4 x ptr], <{ i8, i64 }> }
@g = global [10 x i32] zeroinitializer
declare i32 @callee(ptr, ...)
declare void @quiet() nounwind
declare void @never() noreturn
";

fn read_text(text: &str) -> Reading {
    let reading = read(text.as_bytes(), &|_| false);
    assert_eq!(well_formed::check(&reading.module, Order::AsWritten), Ok(()), "{text}");
    reading
}

/// The function `f` with these lines as its body. Parameters: `%p` pointer, `%n` i32, `%i` i64.
fn body(lines: &str) -> (Module, Function) {
    let text = format!("{PRELUDE}define void @f(ptr %p, i32 %n, i64 %i, i1 %c) {{\n{lines}\n}}\n");
    let reading = read_text(&text);
    assert_eq!(reading.not_understood, [], "{lines}");
    let function = reading.module.functions.last().expect("it is there").clone();
    (reading.module, function)
}

/// Operations of the first block.
fn ops(lines: &str) -> Vec<Op> {
    let (_, function) = body(&format!("{lines}\n  ret void"));
    function.blocks[0].instructions.iter().map(|instruction| instruction.op.clone()).collect()
}

fn op(lines: &str) -> Op {
    let ops = ops(lines);
    assert_eq!(ops.len(), 1, "{lines}: {ops:?}");
    ops[0].clone()
}

const P: Operand = Operand::Value(stanch_static::ir::ValueId(0));
const N: Operand = Operand::Value(stanch_static::ir::ValueId(1));
const I: Operand = Operand::Value(stanch_static::ir::ValueId(2));
const C: Operand = Operand::Value(stanch_static::ir::ValueId(3));
const G: Symbol = Symbol::Global(GlobalId(0));
const I32: Type = Type::Int(32);

#[test]
fn addresses_are_bytes() {
    let address = |base, offset, scaled| Op::Address { base, offset, scaled };
    for (line, expected) in [
        ("getelementptr inbounds %S, ptr %p, i64 0, i32 1", address(P, 4, vec![])),
        ("getelementptr inbounds nuw %S, %S* %p, i64 2, i32 2, i64 3", address(P, 2 * 56 + 8 + 24, vec![])),
        ("getelementptr %S, ptr %p, i32 -1, i32 3, i32 1", address(P, -56 + 40 + 1, vec![])),
        (
            "getelementptr %S, ptr %p, i64 %i, i32 2, i32 %n",
            address(
                P,
                8,
                vec![
                    Scaled { index: I, ty: Type::Int(64), scale: 56 },
                    Scaled { index: N, ty: Type::Int(32), scale: 8 },
                ],
            ),
        ),
        (
            "getelementptr [10 x i32], ptr @g, i64 1, i64 %i",
            address(Operand::Address(G, 0), 40, vec![Scaled { index: I, ty: Type::Int(64), scale: 4 }]),
        ),
    ] {
        assert_eq!(op(&format!("  %a = {line}")), expected, "{line}");
    }
    // What is known is folded, and what changes nothing is left out.
    let stored = |lines: &str| match ops(lines).pop() {
        Some(Op::Store { address, value, .. }) => (address, value),
        other => panic!("{other:?}"),
    };
    for lines in [
        "  %a = getelementptr [10 x i32], ptr @g, i64 0, i64 3\n  store i32 1, ptr %a",
        "  %a = bitcast [10 x i32]* @g to i8*\n  %b = getelementptr i8, i8* %a, i64 12\n  store i32 1, i32* %b",
        "  store i32 1, ptr getelementptr ([10 x i32], ptr @g, i64 0, i64 3)",
        "  store i32 1, i32* bitcast (i8* getelementptr (i8, i8* bitcast ([10 x i32]* @g to i8*), i64 12) to i32*)",
        "  store i32 1, ptr inttoptr (i64 add (i64 ptrtoint (ptr @g to i64), i64 12) to ptr)",
    ] {
        assert_eq!(stored(lines), (Operand::Address(G, 12), Operand::Int(1)), "{lines}");
    }
    assert_eq!(stored("  store i8 -1, ptr null").1, Operand::Int(255));
    assert_eq!(stored("  %a = freeze ptr %p\n  store ptr undef, ptr %a"), (P, Operand::Undefined));
}

#[test]
fn memory_is_read_and_written() {
    assert_eq!(op("  %a = load volatile i32, ptr %p, align 4"), Op::Load { ty: I32, address: P });
    assert_eq!(
        op("  %a = load atomic i64, ptr %p syncscope(\"x\") acquire, align 8"),
        Op::Load { ty: Type::Int(64), address: P }
    );
    assert_eq!(op("  %a = load { ptr, i32 }, ptr %p"), Op::Load { ty: Type::Bytes(16), address: P });
    assert_eq!(op("  store atomic i32 %n, ptr %p seq_cst, align 4"), Op::Store { ty: I32, address: P, value: N });
    let slot = |size, count| Op::StackSlot { size, count, variable: None };
    assert_eq!(op("  %a = alloca %S, align 8"), slot(56, Operand::Int(1)));
    assert_eq!(op("  %a = alloca inalloca i8, i64 %i, align 1, addrspace(5)"), slot(1, I));
    assert!(matches!(&ops("  %a = alloca i16, i32 %n")[..], [Op::Cast { .. }, Op::StackSlot { size: 2, .. }]));
    assert_eq!(
        op("  fence seq_cst\n  %a = load ptr, ptr %p, !nonnull !5, !dbg !6"),
        Op::Load { ty: Type::Pointer, address: P }
    );
    let update = ops("  %a = atomicrmw volatile add ptr %p, i32 %n seq_cst, align 4");
    assert!(matches!(&update[..], [Op::Load { .. }, Op::Binary { op: BinaryOp::Add, right: N, .. }, Op::Store { .. }]));
    let exchange =
        ops("  %a = cmpxchg weak ptr %p, i32 1, i32 %n acq_rel monotonic\n  %b = extractvalue { i32, i1 } %a, 1");
    assert!(matches!(exchange.last(), Some(Op::Extract { ty: Type::Int(1), offset: 4, .. })));
    assert!(exchange.iter().any(|op| matches!(op, Op::Select { then: N, .. })));
}

#[test]
fn arithmetic_and_conversions() {
    let sum = |op| Op::Binary { op, ty: I32, left: N, right: Operand::Int(3) };
    assert_eq!(op("  %a = add nuw nsw i32 %n, 3"), sum(BinaryOp::Add));
    assert_eq!(op("  %a = or disjoint i32 %n, 3"), sum(BinaryOp::Or));
    assert_eq!(op("  %a = sdiv exact i32 %n, 3"), sum(BinaryOp::SDiv));
    let compare = |predicate| Op::Compare { predicate, ty: I32, left: N, right: Operand::Int(3) };
    assert_eq!(op("  %a = icmp samesign ult i32 %n, 3"), compare(Predicate::ULt));
    assert_eq!(op("  %a = icmp ne i32 %n, 3"), compare(Predicate::Ne));
    assert!(matches!(
        &ops("  %a = sitofp i32 %n to double\n  %b = fcmp fast une double %a, 0.0")[1],
        Op::Compare { predicate: Predicate::FUNe, ty: Type::Float(64), .. }
    ));
    assert!(matches!(op("  %a = zext nneg i32 %n to i64"), Op::Cast { from: I32, to: Type::Int(64), .. }));
    assert!(matches!(op("  %a = ptrtoint ptr %p to i32"), Op::Cast { from: Type::Pointer, to: I32, .. }));
    assert_eq!(ops("  %a = addrspacecast ptr %p to ptr addrspace(1)").len(), 0);
    assert!(matches!(op("  %a = select i1 %c, i32 %n, i32 4"), Op::Select { condition: C, then: N, .. }));
    // On vectors only what they depend on.
    assert!(matches!(op("  %a = add <2 x i32> zeroinitializer, zeroinitializer"), Op::Computed { .. }));
    assert!(matches!(op("  %a = fneg <2 x float> zeroinitializer"), Op::Computed { ty: Type::Bytes(8), .. }));
    assert!(matches!(op("  %a = icmp eq <8 x i16> zeroinitializer, undef"), Op::Computed { ty: Type::Bytes(1), .. }));
}

#[test]
fn parts_of_aggregates_have_offsets() {
    let inserted = ops(
        "  %a = insertvalue { i8, { ptr, i32 } } undef, i32 %n, 1, 1\n  %b = extractvalue { i8, { ptr, i32 } } %a, 1",
    );
    assert!(matches!(inserted[0], Op::Insert { aggregate_ty: Type::Bytes(24), offset: 16, value: N, .. }));
    assert!(matches!(inserted[1], Op::Extract { ty: Type::Bytes(16), offset: 8, .. }));
    let vector =
        ops("  %a = insertelement <4 x i32> poison, i32 %n, i64 2\n  %b = extractelement <4 x i32> %a, i32 2\n  \
         %d = extractelement <4 x i32> %a, i64 %i");
    assert!(matches!(vector[0], Op::Insert { offset: 8, .. }));
    assert!(matches!(vector[1], Op::Extract { offset: 8, ty: I32, .. }));
    assert!(matches!(vector[2], Op::Computed { ty: I32, .. }));
    // Constants of aggregate type are built where they are used.
    let stored = ops("  store { i32, ptr } { i32 5, ptr @g }, ptr %p");
    assert!(matches!(stored[0], Op::Insert { value: Operand::Int(5), offset: 0, .. }));
    assert!(matches!(stored[1], Op::Insert { value: Operand::Address(G, 0), offset: 8, .. }));
    let shuffled = ops(
        "  %a = load <2 x ptr>, ptr %p\n  %b = shufflevector <2 x ptr> %a, <2 x ptr> poison, <2 x i32> <i32 1, i32 0>",
    );
    assert!(matches!(shuffled[1], Op::Extract { ty: Type::Pointer, offset: 8, .. }));
    assert!(matches!(shuffled[2], Op::Insert { offset: 0, .. }));
}

#[test]
fn calls_say_who_may_throw_and_how_arguments_are_passed() {
    let call = |line: &str| match op(line) {
        Op::Call(call) => *call,
        other => panic!("{other:?}"),
    };
    let plain = call("  %a = tail call noundef i32 (ptr, ...) @callee(ptr noundef nonnull %p, i32 %n), !srcloc !4");
    assert_eq!((plain.callee, plain.variadic_from), (Callee::Function(FunctionId(0)), Some(1)));
    assert!(plain.may_unwind && !plain.is_no_return && plain.arguments[1].value == N);
    assert!(!call("  call void @quiet()").may_unwind);
    assert!(!call("  call fastcc void %p() nounwind").may_unwind);
    assert!(call("  call void @never() #99 [ \"bundle\"(i32 1) ]").is_no_return);
    assert_eq!(call("  call cc 10 void %p(ptr byval(%S) align 8 %p)").arguments[0].pass, Pass::Copy(56));
    assert_eq!(call("  call void %p(ptr sret(%S) align 8 %p)").arguments[0].pass, Pass::ResultSlot(56));
    assert_eq!(
        call("  %a = call i32 bitcast (i32 (ptr, ...)* @callee to i32 ()*)()").callee,
        Callee::Function(FunctionId(0))
    );
    let assembly = call("  %a = call i32 asm sideeffect inteldialect \"nop\", \"=r,0\"(i32 %n) nounwind");
    assert!(assembly.callee == Callee::Assembly && !assembly.may_unwind && assembly.result == I32);
    // In a function that lets no exception out, none leaves a call either.
    let text = format!(
        "{PRELUDE}define void @f() nounwind {{\n  %1 = call i32 (ptr, ...) @callee(ptr null)\n  ret void\n}}\n"
    );
    let module = read_text(&text).module;
    let function = module.functions.last().unwrap();
    assert!(matches!(&function.blocks[0].instructions[0].op, Op::Call(call) if !call.may_unwind));
}

#[test]
fn control_goes_to_blocks() {
    let (_, function) = body(
        "  switch i32 %n, label %d [\n    i32 1, label %a\n    i32 -2, label %b\n  ], !dbg !3\na:\n  br i1 %c, \
         label %b, label %d, !prof !4\nb:                    ; preds = %a\n  %x = phi ptr [ @g, %a ], [ %p, %0 ]\n  \
         br label %d\nd:\n  ret void",
    );
    let terminators: Vec<&Terminator> = function.blocks.iter().map(|block| &block.terminator).collect();
    let Terminator::Switch { cases, default, .. } = terminators[0] else { panic!("{terminators:?}") };
    assert_eq!((&cases[..], *default), (&[(1, BlockId(1)), (0xffff_fffe, BlockId(2))][..], BlockId(3)));
    assert_eq!(*terminators[1], Terminator::Branch { condition: C, then: BlockId(2), otherwise: BlockId(3) });
    let Op::Phi { incoming, .. } = &function.blocks[2].instructions[0].op else { panic!("a phi") };
    assert_eq!(incoming[..], [(BlockId(1), Operand::Address(G, 0)), (BlockId(0), P)]);
    let (_, function) =
        body("  indirectbr ptr blockaddress(@f, %x), [label %x, label %y]\nx:\n  unreachable\ny:\n  ret void");
    let targets = vec![BlockId(1), BlockId(2)];
    assert_eq!(
        function.blocks[0].terminator,
        Terminator::IndirectGoto { address: Operand::Block(BlockId(1)), targets }
    );
}

#[test]
fn constants_of_phis_are_computed_where_control_comes_from() {
    let (_, function) = body(
        "  br label %x\nx:\n  %v = phi i64 [ mul (i64 ptrtoint (ptr @g to i64), i64 3), %0 ], [ %w, %x ]\n  \
         %w = add i64 %v, 1\n  br i1 %c, label %x, label %y\ny:\n  ret void",
    );
    assert!(matches!(function.blocks[0].instructions[0].op, Op::Binary { op: BinaryOp::Mul, .. }));
    let Op::Phi { incoming, .. } = &function.blocks[1].instructions[0].op else { panic!("a phi") };
    assert_eq!(incoming[0].1, Operand::Value(function.blocks[0].instructions[0].result.unwrap()));
}

#[test]
fn exceptions_have_edges_and_clauses() {
    let (_, function) = body(
        "  %r = invoke i32 (ptr, ...) @callee(ptr %p)\n          to label %ok unwind label %bad, !dbg !3\n\
         ok:\n  ret void\n\
         bad:\n  \
         %l = landingpad { ptr, i32 }\n          cleanup\n          catch ptr @g\n          catch ptr null\n          \
         filter [1 x ptr] [ptr @g]\n  resume { ptr, i32 } %l",
    );
    let Terminator::Invoke { call, result, normal, unwind } = &function.blocks[0].terminator else { panic!("invoke") };
    assert_eq!((call.result, *normal, *unwind), (I32, BlockId(1), BlockId(2)));
    assert!(call.may_unwind && result.is_some());
    let pad = &function.blocks[2].instructions[0].op;
    let info = Operand::Address(G, 0);
    let clauses = vec![Clause::Catch(info), Clause::Catch(Operand::Zero), Clause::Filter(vec![info])];
    assert_eq!(*pad, Op::LandingPad { clauses, is_cleanup: true });
    assert!(matches!(function.blocks[2].terminator, Terminator::Resume(Operand::Value(_))));
}

#[test]
fn assembly_may_jump() {
    let (_, function) = body(
        "  callbr void asm sideeffect \"\", \"r,!i\"(i32 %n)\n          to label %a [label %b]\na:\n  ret void\n\
         b:\n  ret void",
    );
    assert!(matches!(&function.blocks[0].terminator, Terminator::IndirectGoto { targets, .. } if targets.len() == 2));
}

#[test]
fn functions_of_llvm_become_operations() {
    assert_eq!(
        op("  call void @llvm.memcpy.p0.p0.i64(ptr align 4 %p, ptr @g, i64 8, i1 false)"),
        Op::Copy { to: P, from: Operand::Address(G, 0), size: Operand::Int(8) }
    );
    assert_eq!(
        op("  call void @llvm.memset.p0i8.i64(i8* %p, i8 0, i64 %i, i1 false)"),
        Op::Fill { to: P, byte: Operand::Int(0), size: I }
    );
    let begins = |line: &str| match op(line) {
        Op::Lifetime { slot: P, begins } => begins,
        other => panic!("{other:?}"),
    };
    assert!(begins("  call void @llvm.lifetime.start.p0(i64 8, ptr %p)"));
    assert!(!begins("  call void @llvm.lifetime.end.p0(ptr %p)"));
    assert_eq!(op("  call void @llvm.assume(i1 %c) [ \"nonnull\"(ptr %p) ]"), Op::Assume { condition: C });
    assert_eq!(op("  call void @llvm.va_start.p0(ptr %p)"), Op::VariadicStart { list: P });
    assert!(matches!(op("  call void @llvm.va_copy.p0(ptr %p, ptr @g)"), Op::Copy { size: Operand::Int(24), .. }));
    assert!(matches!(op("  %a = va_arg ptr %p, i32"), Op::VariadicArgument { ty: I32, .. }));
    assert!(matches!(op("  %a = call i32 @llvm.eh.typeid.for.p0(ptr @g)"), Op::ExceptionTypeId { .. }));
    assert!(matches!(
        op("  %a = call i64 @llvm.objectsize.i64.p0(ptr %p, i1 false, i1 true, i1 false)"),
        Op::Computed { .. }
    ));
    for line in ["donothing()", "dbg.label(metadata !4)", "trap()", "experimental.noalias.scope.decl(metadata !3)"] {
        assert_eq!(ops(&format!("  call void @llvm.{line}")), [], "{line}");
    }
    // The first argument passes through.
    let passed = ops("  %a = call i32 @llvm.expect.i32(i32 %n, i32 1)\n  store i32 %a, ptr %p");
    assert_eq!(passed, [Op::Store { ty: I32, address: P, value: N }]);
    let sum = ops("  %a = call { i32, i1 } @llvm.sadd.with.overflow.i32(i32 %n, i32 1)");
    assert!(matches!(sum[0], Op::Binary { op: BinaryOp::Add, ty: I32, .. }));
    assert!(matches!(sum.last(), Some(Op::Insert { aggregate_ty: Type::Bytes(8), ty: Type::Int(1), offset: 4, .. })));
    assert!(matches!(
        &ops("  %a = call i32 @llvm.umax.i32(i32 %n, i32 1)")[..],
        [Op::Compare { .. }, Op::Select { .. }]
    ));
}

#[test]
fn what_is_unknown_is_named_and_keeps_its_operands() {
    let text = format!(
        "{PRELUDE}define void @f(ptr %p) {{\n  %a = futureop fast ptr %p, @g, !dbg !3\n  \
         call void @llvm.future.write(ptr %a)\n  \
         br label %x\nx:\n  catchswitch within none [label %y] unwind to caller\ny:\n  ret void\n}}\nfuture_item 5\n"
    );
    let reading = read_text(&text);
    let named: Vec<_> =
        reading.not_understood.iter().map(|one| (one.function.as_deref(), one.line, one.mnemonic.as_str())).collect();
    let f = Some("f");
    assert_eq!(named, [(f, 8, "futureop"), (f, 9, "call"), (f, 12, "catchswitch"), (None, 16, "future_item")]);
    let function = reading.module.functions.last().unwrap();
    let Op::NotUnderstood { mnemonic, ty, operands } = &function.blocks[0].instructions[0].op else {
        panic!("it is not")
    };
    assert_eq!((mnemonic.as_str(), *ty, &operands[..]), ("futureop", Type::Pointer, &[P, Operand::Address(G, 0)][..]));
    let Op::NotUnderstood { operands, .. } = &function.blocks[0].instructions[1].op else { panic!("it is not") };
    assert_eq!(operands.len(), 1);
    assert!(matches!(&function.blocks[1].terminator, Terminator::IndirectGoto { targets, .. } if targets.len() == 1));
}

#[test]
fn an_unknown_function_of_llvm_is_judged_by_its_declaration() {
    for (attributes, is_understood) in
        [("memory(none)", true), ("nounwind readonly", true), ("memory(argmem: write)", false)]
    {
        let text = format!(
            "declare i32 @llvm.future(ptr) {attributes}\ndefine void @f(ptr %p) {{\n  \
             %1 = call i32 @llvm.future(ptr %p)\n  ret void\n}}\n"
        );
        assert_eq!(read_text(&text).not_understood.is_empty(), is_understood, "{attributes}");
    }
}

#[test]
fn aliases_stand_for_what_they_name() {
    let text = "@a = alias void (), ptr @b\n@b = weak alias void (), void ()* @f\n@i = ifunc void (), ptr @resolver\n\
                declare ptr @resolver()\ndefine void @f() {\n  call void @a()\n  call void @i()\n  ret void\n}\n";
    let reading = read_text(text);
    assert_eq!(reading.not_understood, []);
    let function = &reading.module.functions[1];
    let callees: Vec<Callee> = function.blocks[0]
        .instructions
        .iter()
        .map(|instruction| match &instruction.op {
            Op::Call(call) => call.callee,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(callees, [Callee::Function(FunctionId(1)), Callee::Function(FunctionId(2))]);
    assert_eq!(reading.module.functions[2].symbol, "i");
    assert_eq!(reading.module.aliases.len(), 2);
}

#[test]
fn broken_code_is_closed() {
    for lines in [
        "  br label %nowhere",
        "  %a = add i32 %b, 1\n  ret void",
        "  %a = load ptr, ptr %p\n  %a = load i32, ptr %p\n  store i64 %a, ptr %p\n  ret void",
        "x:\n  %v = phi i32 [ 1, %y ], [ 2, %x ]\n  br label %x\ny:\n  ret void",
        "  invoke void @quiet() to label %a unwind label %a\na:\n  ret void",
        "  ret void\n  ret void",
        "  %x = getelementptr %S, ptr %p, i64 0, i32 9",
        "  %x = extractvalue { i8 } undef, 5",
        "  store %Unknown undef, ptr %p",
        "  %x = alloca [99999999999999999999 x i8]",
        "  call void @quiet(",
        "  switch i32 %n, label %x [\n",
        "",
    ] {
        let text = format!("{PRELUDE}define void @f(ptr %p, i32 %n) {{\n{lines}\n}}\n");
        read_text(&text);
    }
}
