//! JSON, `stanch-report/1`: one document for one process, an array of documents for any other number.
//!
//! Numbers are exact. Keys are added, never renamed; what is not known is `null`. The reader takes what the writer
//! gives, passes over keys it does not know, and fills in keys that older versions did not write.
mod comparison;
mod wire;

pub use comparison::{COMPARISON_SCHEMA, write_comparison};

use stanch_finding::Report;
use std::io::{self, Write};
use wire::Document;

/// Name and version of the format.
pub const SCHEMA: &str = "stanch-report/1";

/// Text that is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON, or not the shape of a report.
    #[error("not a report in JSON: {0}; give a file that `--format json` wrote")]
    Syntax(#[from] serde_json::Error),
    /// A report of another format or a later version.
    #[error(
        "the report has the schema `{found}` and this version reads `{SCHEMA}`: use a version that knows `{found}`"
    )]
    Schema {
        /// What the document says.
        found: String,
    },
    /// A word that this version does not know.
    #[error("`{word}` is not a known `{key}`: the report may come from a later version; read it with that one")]
    Word {
        /// The key whose value it is.
        key: &'static str,
        /// The value.
        word: String,
    },
}

/// Writes the reports, indented, with a newline at the end.
///
/// # Errors
/// Where `out` fails.
pub fn write(reports: &[Report], tool_version: &str, out: &mut impl Write) -> io::Result<()> {
    let documents: Vec<Document> = reports.iter().map(|report| Document::new(report, tool_version)).collect();
    match documents.as_slice() {
        [document] => serde_json::to_writer_pretty(&mut *out, document)?,
        documents => serde_json::to_writer_pretty(&mut *out, documents)?,
    }
    out.write_all(b"\n")
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// Where the text is not JSON, has another schema, or says something that this version does not know.
pub fn read(text: &str) -> Result<Vec<Report>, JsonError> {
    // Whatever else is amiss, a document of another format is that first of all.
    if let Some(found) = named(text).filter(|schema| schema != SCHEMA) {
        return Err(JsonError::Schema { found });
    }
    let documents: Vec<Document> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)?
    } else {
        vec![serde_json::from_str(text)?]
    };
    documents.into_iter().map(Document::into_report).collect()
}

/// The schema that the first document names.
fn named(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        schema: String,
    }
    let first = match text.trim_start().starts_with('[') {
        true => serde_json::from_str::<Vec<Named>>(text).ok()?.into_iter().next(),
        false => serde_json::from_str(text).ok(),
    };
    first.map(|named| named.schema)
}
