//! The rules: their names, what they say and advise.
use super::site::{is_destructor, short_name};
use crate::engine::{Cause, Event, Issue, IssueKind};
use crate::ir::Module;
use stanch_finding::Kind;

/// A rule that an issue breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    LostOnPath,
    LostOnErrorPath,
    LostOnExceptionPath,
    Overwritten,
    ResizeOverwrites,
    OwnerReleasedFirst,
    ConstructorThrows,
    DestructorDoesNotRelease,
    ResultUnused,
    HeldToExit,
    Mismatched,
    ReleasedTwice,
    UsedAfterRelease,
}

impl Rule {
    /// Every rule, in the order of declaration.
    pub(super) const ALL: [Rule; 13] = [
        Rule::LostOnPath,
        Rule::LostOnErrorPath,
        Rule::LostOnExceptionPath,
        Rule::Overwritten,
        Rule::ResizeOverwrites,
        Rule::OwnerReleasedFirst,
        Rule::ConstructorThrows,
        Rule::DestructorDoesNotRelease,
        Rule::ResultUnused,
        Rule::HeldToExit,
        Rule::Mismatched,
        Rule::ReleasedTwice,
        Rule::UsedAfterRelease,
    ];

    /// The most precise rule that an issue breaks.
    pub(super) fn of(program: &Module, issue: &Issue) -> Rule {
        let cause = match &issue.kind {
            IssueKind::HeldToExit { .. } => return Rule::HeldToExit,
            IssueKind::Mismatched { .. } => return Rule::Mismatched,
            IssueKind::ReleasedTwice => return Rule::ReleasedTwice,
            IssueKind::UsedAfterRelease => return Rule::UsedAfterRelease,
            IssueKind::Lost { cause, .. } => *cause,
        };
        let allocated = issue.path.iter().rposition(|step| step.event == Event::Allocated(issue.region));
        let after = &issue.path[allocated.unwrap_or(0)..];
        let failed = after.iter().any(|step| matches!(step.event, Event::Failed(_)));
        let destroyed = issue.at.stack.iter().any(|(function, _)| is_destructor(program.function(*function)));
        match cause {
            Cause::Unwound if Self::in_constructor(program, issue) => Rule::ConstructorThrows,
            Cause::Unwound => Rule::LostOnExceptionPath,
            _ if after.iter().any(|step| step.event == Event::Thrown) => Rule::LostOnExceptionPath,
            Cause::Overwritten if Self::overwritten_by_resize(issue, after) => Rule::ResizeOverwrites,
            Cause::OwnerReleased if destroyed => Rule::DestructorDoesNotRelease,
            Cause::OwnerReleased => Rule::OwnerReleasedFirst,
            Cause::Overwritten | Cause::OverwrittenElsewhere => Rule::Overwritten,
            Cause::Unused => Rule::ResultUnused,
            Cause::ScopeLeft if failed => Rule::LostOnErrorPath,
            Cause::ScopeLeft => Rule::LostOnPath,
        }
    }

    fn in_constructor(program: &Module, issue: &Issue) -> bool {
        issue
            .block
            .site
            .stack
            .first()
            .is_some_and(|(function, _)| super::site::is_constructor(program.function(*function)))
    }

    /// `p = realloc(p, n)` that fails: null is written over the pointer where the failed call stands.
    fn overwritten_by_resize(issue: &Issue, after: &[crate::engine::Step]) -> bool {
        let failed = after.iter().rev().find_map(|step| match step.event {
            Event::ResizeFailed(region) if region == issue.region => Some(step.location),
            _ => None,
        });
        failed.is_some()
    }

    /// Issues of one group at one site are one finding.
    pub(super) fn group(self) -> &'static str {
        match self {
            Rule::HeldToExit => "held",
            Rule::Mismatched => "mismatched",
            Rule::ReleasedTwice => "twice",
            Rule::UsedAfterRelease => "use",
            _ => "lost",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Rule::LostOnPath => "leak/lost-on-path",
            Rule::LostOnErrorPath => "leak/lost-on-error-path",
            Rule::LostOnExceptionPath => "leak/lost-on-exception-path",
            Rule::Overwritten => "leak/overwritten",
            Rule::ResizeOverwrites => "leak/realloc-overwrites-only-pointer",
            Rule::OwnerReleasedFirst => "leak/owner-released-first",
            Rule::ConstructorThrows => "leak/constructor-throws",
            Rule::DestructorDoesNotRelease => "leak/destructor-does-not-release",
            Rule::ResultUnused => "leak/result-unused",
            Rule::HeldToExit => "leak/held-to-exit",
            Rule::Mismatched => "memory/mismatched-release",
            Rule::ReleasedTwice => "memory/double-release",
            Rule::UsedAfterRelease => "memory/use-after-release",
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Rule::HeldToExit => Kind::HeldToExit,
            Rule::Mismatched => Kind::MismatchedFree,
            Rule::ReleasedTwice => Kind::DoubleFree,
            Rule::UsedAfterRelease => Kind::UseAfterFree,
            _ => Kind::LostOnPath,
        }
    }

    pub(super) fn message(self, program: &Module, issue: &Issue) -> String {
        let what = match issue.bytes {
            Some(bytes) => format!("{bytes} bytes"),
            None => "memory".to_owned(),
        };
        let owner = issue.block.site.stack.first().map(|(id, _)| short_name(program.function(*id))).unwrap_or_default();
        let allocated = format!("{what} allocated by `{}` in `{owner}`", short_text(&issue.block.allocator));
        let held = match &issue.kind {
            IssueKind::Lost { name: Some(name), .. } => format!(" and held by `{name}`"),
            IssueKind::HeldToExit { holder: Some(name) } => format!(" and held by `{name}`"),
            _ => String::new(),
        };
        format!("{allocated}{held} {}", self.end_text(issue))
    }

    /// What becomes of the block, after its name.
    fn end_text(self, issue: &Issue) -> String {
        match self {
            Rule::LostOnPath => "is not released on a path where its last reference ends".to_owned(),
            Rule::LostOnErrorPath => "is not released on a path where something failed".to_owned(),
            Rule::LostOnExceptionPath => "is not released where an exception leaves its scope".to_owned(),
            Rule::Overwritten => "is lost: its last reference is overwritten".to_owned(),
            Rule::ResizeOverwrites => "is lost if `realloc` fails: null is written over the only pointer".to_owned(),
            Rule::OwnerReleasedFirst => "is lost: what held it is released first".to_owned(),
            Rule::ConstructorThrows => "is lost where the constructor throws: no destructor runs then".to_owned(),
            Rule::DestructorDoesNotRelease => "is lost: the destructor of what held it does not release it".to_owned(),
            Rule::ResultUnused => "is lost at once: nobody keeps the address".to_owned(),
            Rule::HeldToExit => "is still held when the program ends".to_owned(),
            Rule::Mismatched => match &issue.kind {
                IssueKind::Mismatched { family } => format!("is released as `{family}`"),
                _ => "is released by a function of another family".to_owned(),
            },
            Rule::ReleasedTwice => "is released twice".to_owned(),
            Rule::UsedAfterRelease => "is used after it was released".to_owned(),
        }
    }

    /// One sentence on what the path shows.
    pub(super) fn path_text(self) -> &'static str {
        match self {
            Rule::HeldToExit => "how the block comes to be held to the end",
            Rule::Mismatched | Rule::ReleasedTwice => "how the block comes to be released wrongly",
            Rule::UsedAfterRelease => "how the block comes to be used after its release",
            _ => "how the block comes to be lost",
        }
    }

    /// What is said of the last step.
    pub(super) fn last_note(self) -> &'static str {
        match self {
            Rule::Overwritten => "its last reference is overwritten here",
            Rule::ResizeOverwrites => "null is written over the only pointer here",
            Rule::OwnerReleasedFirst | Rule::DestructorDoesNotRelease => "what held it is released here",
            Rule::LostOnExceptionPath | Rule::ConstructorThrows => "its last reference ends here, by exception",
            Rule::ResultUnused => "nobody keeps the address",
            Rule::HeldToExit => "the program ends",
            Rule::Mismatched => "released here",
            Rule::ReleasedTwice => "released again here",
            Rule::UsedAfterRelease => "used here",
            Rule::LostOnPath | Rule::LostOnErrorPath => "its last reference ends here: it is lost",
        }
    }

    /// What to do.
    pub(super) fn advice(self, releaser: &str) -> String {
        match self {
            Rule::LostOnPath | Rule::LostOnErrorPath => format!("call `{releaser}` on every way out"),
            Rule::LostOnExceptionPath => {
                format!("let an object own it whose destructor calls `{releaser}`, such as `std::unique_ptr`")
            }
            Rule::Overwritten => format!("call `{releaser}` before the pointer gets its new value"),
            Rule::ResizeOverwrites => {
                "keep the result of `realloc` in a second variable until it is known not to be null".to_owned()
            }
            Rule::OwnerReleasedFirst => format!("call `{releaser}` on what it holds before it is released itself"),
            Rule::ConstructorThrows => {
                format!("let a member own it whose destructor calls `{releaser}`: members built so far are destroyed")
            }
            Rule::DestructorDoesNotRelease => {
                format!("call `{releaser}` in the destructor; make it virtual if the object is deleted through a base")
            }
            Rule::ResultUnused => format!("keep the address and call `{releaser}`"),
            Rule::HeldToExit => format!("call `{releaser}` before the program ends, or suppress it if it is meant so"),
            Rule::Mismatched => format!("release it with `{releaser}`"),
            Rule::ReleasedTwice => "set the pointer to null where it is released first".to_owned(),
            Rule::UsedAfterRelease => "release it after its last use".to_owned(),
        }
    }
}

/// A name without its parameters.
fn short_text(name: &str) -> &str {
    match name.split_once('(') {
        Some((short, _)) if !short.is_empty() && !short.ends_with("operator") => short,
        _ => name,
    }
}
