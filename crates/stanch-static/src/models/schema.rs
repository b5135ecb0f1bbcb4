//! The TOML of models.
use super::language::{End, Outcome};
use super::parse::{TextError, condition, effect, expression};
use super::{HashMap, Model};
use serde::Deserialize;

/// Why a file of models cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It is no TOML, or has keys that models do not have.
    #[error("models in `{file}` are not of the form that Stanch reads: {source}")]
    Form {
        /// The file.
        file: String,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// A text in it is not of the language of models.
    #[error("model of `{function}` in `{file}`: {source}")]
    Text {
        /// The file.
        file: String,
        /// The first name of the function.
        function: String,
        /// What is wrong.
        source: TextError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    family: Vec<Family>,
    #[serde(default)]
    function: Vec<FunctionText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    name: String,
    releaser: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionText {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    outcomes: Vec<OutcomeText>,
    #[serde(default, rename = "override")]
    overrides: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeText {
    #[serde(default)]
    when: Vec<String>,
    #[serde(default)]
    known: Vec<String>,
    #[serde(default)]
    effects: Vec<String>,
    returns: Option<String>,
    ends: Option<EndText>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EndText {
    Exit,
    Abort,
    Throw,
}

/// What a file says.
pub(super) struct Loaded {
    pub(super) releasers: HashMap<String, String>,
    /// Symbols, patterns, model.
    pub(super) models: Vec<(Vec<String>, Vec<String>, Model)>,
}

/// Reads one file.
///
/// # Errors
/// Where it is not of the form.
pub(super) fn read(file: &str, text: &str) -> Result<Loaded, ModelError> {
    let parsed: File =
        toml::from_str(text).map_err(|source| ModelError::Form { file: file.to_owned(), source: Box::new(source) })?;
    let releasers = parsed.family.into_iter().map(|family| (family.name, family.releaser)).collect();
    let models = parsed.function.into_iter().map(|function| {
        let first = function.names.first().or(function.patterns.first()).cloned().unwrap_or_default();
        let outcomes: Result<Vec<Outcome>, TextError> = function.outcomes.iter().map(outcome).collect();
        let mut outcomes =
            outcomes.map_err(|source| ModelError::Text { file: file.to_owned(), function: first, source })?;
        if outcomes.is_empty() {
            outcomes.push(Outcome::default());
        }
        Ok((function.names, function.patterns, Model { outcomes, overrides: function.overrides }))
    });
    Ok(Loaded { releasers, models: models.collect::<Result<_, ModelError>>()? })
}

fn outcome(text: &OutcomeText) -> Result<Outcome, TextError> {
    Ok(Outcome {
        when: text.when.iter().map(|text| condition(text)).collect::<Result<_, _>>()?,
        known: text.known.iter().map(|text| condition(text)).collect::<Result<_, _>>()?,
        effects: text.effects.iter().map(|text| effect(text)).collect::<Result<_, _>>()?,
        returns: text.returns.as_deref().map(expression).transpose()?,
        ends: text.ends.map(|end| match end {
            EndText::Exit => End::Exit,
            EndText::Abort => End::Abort,
            EndText::Throw => End::Throw,
        }),
    })
}
