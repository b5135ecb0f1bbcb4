//! What flags, environment and `stanch.toml` mean together: flags win over environment, environment over the file.
use crate::args::{FailOn, Format, OutputArgs, When, YesNo};
use crate::{size, tell};
use anyhow::{Context, Error, Result, anyhow, bail};
use clap::ValueEnum;
use stanch_capture::SamplePlan;
use stanch_finding::Date;
use stanch_finding::suppression::{SuppressionSet, parse_any};
use stanch_leaks::Scope;
use stanch_report::stacks::{Measure, Unit, Weight};
use std::io::IsTerminal;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the configuration file, looked for from the working folder upwards.
const FILE_NAME: &str = "stanch.toml";

/// `stanch.toml`. Unknown keys are errors: a misspelt one would silently do nothing.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConfigFile {
    format: Option<Format>,
    fail_on: Option<FailOn>,
    color: Option<When>,
    show_reachable: Option<bool>,
    follow_children: Option<YesNo>,
    linger: Option<f64>,
    sample: Option<String>,
    #[serde(default)]
    suppressions: Vec<PathBuf>,
    /// Suppressions may stand in the file itself; they are read by their own parser.
    #[serde(default)]
    suppress: Vec<toml::Value>,
}

/// How findings come out.
#[derive(Debug)]
pub(crate) struct OutputPlan {
    pub(crate) format: Format,
    /// `None` for a stream.
    pub(crate) file: Option<PathBuf>,
    /// Standard output was asked for.
    pub(crate) is_to_stdout: bool,
    pub(crate) fail_on: Option<FailOn>,
    pub(crate) suppressions: SuppressionSet,
    suppression_notes: Vec<String>,
    pub(crate) today: Date,
    pub(crate) show_reachable: bool,
    pub(crate) all: bool,
    pub(crate) redact: bool,
    pub(crate) color: When,
    pub(crate) base_folder: Option<String>,
    /// What formats with one number a stack carry.
    pub(crate) measure: Measure,
}

impl OutputPlan {
    /// What is still reachable is looked into only where something depends on it: names take longer than all else.
    pub(crate) fn scope(&self) -> Scope {
        let is_wanted = self.show_reachable
            || matches!(self.format, Format::Json | Format::Html)
            || self.fail_on == Some(FailOn::StillReachable)
            || !self.suppressions.suppressions().is_empty();
        if is_wanted { Scope::Everything } else { Scope::WithoutReachable }
    }
}

/// The configuration that holds here.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    file: ConfigFile,
    folder: PathBuf,
    inline_suppressions: Option<(String, String)>,
}

/// A variable of the environment; an empty one counts as absent.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    (!value.is_empty()).then(|| value.to_string_lossy().into_owned())
}

fn choice<T: ValueEnum>(name: &str) -> Result<Option<T>> {
    let Some(text) = variable(name) else { return Ok(None) };
    match T::from_str(&text, true) {
        Ok(value) => Ok(Some(value)),
        Err(_) => {
            let known: Vec<String> = T::value_variants()
                .iter()
                .filter_map(ValueEnum::to_possible_value)
                .map(|value| value.get_name().to_owned())
                .collect();
            bail!("environment variable `{name}` is `{text}`, not one of {}", known.join(", "))
        }
    }
}

impl Settings {
    /// Reads the nearest `stanch.toml`.
    pub(crate) fn load() -> Result<Self> {
        let Ok(here) = std::env::current_dir() else { return Ok(Self::default()) };
        let Some(path) = here.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file()) else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let file: ConfigFile = toml::from_str(&text).map_err(|error| misunderstood(&path, &text, &error))?;
        let inline_suppressions = (!file.suppress.is_empty()).then(|| only_suppressions(&file.suppress, &text, &path));
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { file, folder, inline_suppressions })
    }

    pub(crate) fn follow_children(&self, typed: Option<YesNo>) -> Result<bool> {
        let chosen = typed.or(choice("STANCH_FOLLOW_CHILDREN")?).or(self.file.follow_children);
        Ok(chosen.unwrap_or(YesNo::Yes) == YesNo::Yes)
    }

    pub(crate) fn linger_seconds(&self, typed: Option<f64>) -> Result<f64> {
        const DEFAULT: f64 = 2.0;
        let from_environment = match variable("STANCH_LINGER") {
            Some(text) => {
                let is_wrong = || format!("environment variable `STANCH_LINGER` is `{text}`, not a number of seconds");
                Some(text.parse().ok().with_context(is_wrong)?)
            }
            None => None,
        };
        let seconds = typed.or(from_environment).or(self.file.linger).unwrap_or(DEFAULT);
        if !(0.0..=1e9).contains(&seconds) {
            bail!("cannot wait for {seconds} seconds\nhint: give `--linger` a number from 0 to 1000000000");
        }
        Ok(seconds)
    }

    /// How blocks are sampled; `None` where all are to be recorded.
    pub(crate) fn sampling(&self, typed: Option<NonZeroU64>) -> Result<Option<SamplePlan>> {
        let said = |text: &str, by: &str| size::parse(text).map_err(|hint| anyhow!("{by} is `{text}`\nhint: {hint}"));
        let from_environment =
            variable("STANCH_SAMPLE").map(|text| said(&text, "environment variable `STANCH_SAMPLE`")).transpose()?;
        let from_file = self.file.sample.as_deref().map(|text| said(text, "`sample` in `stanch.toml`")).transpose()?;
        let seed = match variable("STANCH_SAMPLE_SEED") {
            Some(text) => {
                let is_wrong = || format!("environment variable `STANCH_SAMPLE_SEED` is `{text}`, not a number");
                Some(text.parse().ok().with_context(is_wrong)?)
            }
            None => None,
        };
        let mean_bytes = typed.or(from_environment).or(from_file);
        Ok(mean_bytes.map(|mean_bytes| SamplePlan { mean_bytes, seed }))
    }

    pub(crate) fn output(&self, typed: &OutputArgs) -> Result<OutputPlan> {
        let (suppressions, suppression_notes) = self.suppressions(typed)?;
        Ok(OutputPlan {
            format: typed.format.or(choice("STANCH_FORMAT")?).or(self.file.format).unwrap_or(Format::Text),
            file: typed.output.clone().filter(|path| path != Path::new("-")),
            is_to_stdout: typed.output.as_deref() == Some(Path::new("-")),
            fail_on: typed.fail_on.or(choice("STANCH_FAIL_ON")?).or(self.file.fail_on),
            suppressions,
            suppression_notes,
            today: today(),
            show_reachable: self.show_reachable(typed)?,
            all: typed.all,
            redact: typed.redact,
            color: typed.color.or(choice("STANCH_COLOR")?).or(self.file.color).unwrap_or(When::Auto),
            base_folder: std::env::current_dir().ok().and_then(|folder| folder.to_str().map(str::to_owned)),
            measure: Measure { weight: Weight::Lost, unit: Unit::Bytes },
        })
    }

    fn show_reachable(&self, typed: &OutputArgs) -> Result<bool> {
        let from_environment = choice("STANCH_SHOW_REACHABLE")?.map(|chosen: YesNo| chosen == YesNo::Yes);
        Ok(typed.show_reachable || from_environment.or(self.file.show_reachable).unwrap_or(false))
    }

    fn suppressions(&self, typed: &OutputArgs) -> Result<(SuppressionSet, Vec<String>)> {
        let from_environment = variable("STANCH_SUPPRESSIONS");
        let files = typed.suppressions.iter().cloned();
        let files = files.chain(
            from_environment.iter().flat_map(|list| list.split(':').filter(|path| !path.is_empty())).map(PathBuf::from),
        );
        let files = files.chain(self.file.suppressions.iter().map(|path| self.folder.join(path)));
        let mut texts = Vec::new();
        for path in files {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read suppressions `{}`", path.display()))?;
            texts.push((text, path.display().to_string()));
        }
        texts.extend(self.inline_suppressions.clone());
        let (mut all, mut notes) = (Vec::new(), Vec::new());
        for (text, origin) in texts {
            let parsed = parse_any(&text, &origin)?;
            all.extend(parsed.suppressions);
            notes.extend(parsed.notes.iter().map(|note| format!("{}: {}", note.origin, note.text)));
        }
        Ok((SuppressionSet::new(all), notes))
    }
}

/// What is wrong with a configuration file, and in which line.
fn misunderstood(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start).min(text.len());
    let line = 1 + text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count();
    anyhow!("cannot understand `{}:{line}`: {}", path.display(), error.message().trim_end())
}

/// The suppressions of a configuration file as a document of their own, their lines numbered as in the file: in TOML
/// the tables come after all keys that stand by themselves.
fn only_suppressions(suppress: &[toml::Value], text: &str, path: &Path) -> (String, String) {
    let origin = path.display().to_string();
    let before = text.lines().take_while(|line| !line.trim_start().starts_with("[[suppress")).count();
    if before < text.lines().count() {
        let kept: Vec<&str> = text.lines().skip(before).collect();
        return ("\n".repeat(before) + &kept.join("\n"), origin);
    }
    let mut table = toml::Table::new();
    table.insert("suppress".to_owned(), toml::Value::Array(suppress.to_vec()));
    (table.to_string(), origin)
}

/// Today's date (UTC), for suppressions that expire.
fn today() -> Date {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400);
    Date::from_unix_days(days as i64)
}

impl OutputPlan {
    /// Says what of the suppression files was passed over.
    pub(crate) fn tell_notes(&self) {
        self.suppression_notes.iter().for_each(|note| tell::note(note));
    }

    /// Whether text that goes to standard error or standard output is to be coloured.
    pub(crate) fn is_coloured(&self, to_stdout: bool) -> bool {
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                let is_terminal =
                    if to_stdout { std::io::stdout().is_terminal() } else { std::io::stderr().is_terminal() };
                let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
                is_terminal && !is_dumb && self.file.is_none() && variable("NO_COLOR").is_none()
            }
        }
    }
}
