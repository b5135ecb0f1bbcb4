//! Places in SARIF: URIs, physical and logical locations (SARIF 2.1.0, sections 3.4, 3.28, 3.29).
use serde_json::{Map, Value, json};
use stanch_finding::{Frame, PathStep};

/// The symbol that stands for the source directory in relative URIs.
pub(super) const SRCROOT: &str = "SRCROOT";

/// What [`SRCROOT`] is. Without a directory, readers are told only what it means.
pub(super) fn base(base_dir: Option<&str>) -> Value {
    let description = json!({ "text": "The directory of the sources." });
    match base_dir {
        Some(directory) => {
            let uri = format!("file://{}/", encoded(&normalized(directory)).trim_end_matches('/'));
            json!({ "uri": uri, "description": description })
        }
        None => json!({ "description": description }),
    }
}

/// The location of a frame: its source line where known, else its place in the module.
pub(super) fn of_frame(frame: &Frame, base_dir: Option<&str>) -> Value {
    let mut location = Map::new();
    if let Some(physical) = physical(frame, base_dir) {
        location.insert("physicalLocation".to_owned(), physical);
    }
    if let Some(function) = &frame.function {
        let logical = json!([{ "fullyQualifiedName": function, "kind": "function" }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    Value::Object(location)
}

/// The location of a step of a path, with its note.
pub(super) fn of_step(step: &PathStep, base_dir: Option<&str>) -> Value {
    json!({
        "physicalLocation": { "artifactLocation": artifact(&step.file, base_dir), "region": region(step.line, None) },
        "message": { "text": step.note },
    })
}

fn physical(frame: &Frame, base_dir: Option<&str>) -> Option<Value> {
    if let Some(file) = &frame.file {
        let artifact = artifact(file, base_dir);
        return Some(match frame.line {
            Some(line) => json!({ "artifactLocation": artifact, "region": region(line, frame.column) }),
            None => json!({ "artifactLocation": artifact }),
        });
    }
    let module = artifact(frame.module.as_deref()?, base_dir);
    Some(match frame.module_offset.and_then(|offset| i64::try_from(offset).ok()) {
        Some(offset) => json!({ "artifactLocation": module, "address": { "relativeAddress": offset } }),
        None => json!({ "artifactLocation": module }),
    })
}

/// Lines and columns count from 1; a 0 of the debug info means that there is none.
fn region(line: u32, column: Option<u32>) -> Value {
    match column.filter(|column| *column != 0) {
        Some(column) => json!({ "startLine": line.max(1), "startColumn": column }),
        None => json!({ "startLine": line.max(1) }),
    }
}

/// A relative path, or one below the base, is relative to [`SRCROOT`]; any other is absolute.
fn artifact(path: &str, base_dir: Option<&str>) -> Value {
    let path = normalized(path);
    let relative =
        if path.starts_with('/') { base_dir.and_then(|base| below(&path, base)) } else { Some(path.as_str()) };
    match relative {
        Some(relative) => json!({ "uri": encoded(relative), "uriBaseId": SRCROOT }),
        None => json!({ "uri": format!("file://{}", encoded(&path)) }),
    }
}

fn below<'a>(path: &'a str, base_dir: &str) -> Option<&'a str> {
    let base = normalized(base_dir);
    path.strip_prefix(base.trim_end_matches('/'))?.strip_prefix('/')
}

/// Without `.`, `..` and empty components, as far as the text alone can tell.
fn normalized(path: &str) -> String {
    let mut components: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." if components.last().is_some_and(|last| *last != "..") => {
                components.pop();
            }
            ".." if path.starts_with('/') => {}
            component => components.push(component),
        }
    }
    let joined = components.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

/// Percent-encoded but for the unreserved characters and the slash (RFC 3986, section 2.3).
fn encoded(path: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::{artifact, base};
    use serde_json::json;

    #[test]
    fn uris() {
        let base_dir = Some("/home/me/app/");
        let cases = [
            ("src/a.c", json!({"uri": "src/a.c", "uriBaseId": "SRCROOT"})),
            ("./src/../b c.c", json!({"uri": "b%20c.c", "uriBaseId": "SRCROOT"})),
            ("/home/me/app/src/a.c", json!({"uri": "src/a.c", "uriBaseId": "SRCROOT"})),
            ("/home/me/apple/a.c", json!({"uri": "file:///home/me/apple/a.c"})),
            ("/usr/include/c++/12/new", json!({"uri": "file:///usr/include/c%2B%2B/12/new"})),
        ];
        for (path, expected) in cases {
            assert_eq!(artifact(path, base_dir), expected, "{path}");
        }
        assert_eq!(base(base_dir)["uri"], "file:///home/me/app/");
        assert_eq!(base(Some("/"))["uri"], "file:///");
        assert_eq!(artifact("/a.c", Some("/")), json!({"uri": "a.c", "uriBaseId": "SRCROOT"}));
    }
}
