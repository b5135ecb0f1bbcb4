//! Ctrl-C while a file is being written: no half of it stays.
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

/// The file that is not whole yet.
static PART: Mutex<Option<PathBuf>> = Mutex::new(None);
static INSTALLED: Once = Once::new();

/// Does `work`, which writes `part`; a signal that ends the command meanwhile, or later, removes what is there of it.
pub(crate) fn guarded<T>(part: &Path, work: impl FnOnce() -> T) -> T {
    INSTALLED.call_once(install);
    *PART.lock().unwrap_or_else(PoisonError::into_inner) = Some(part.to_owned());
    let result = work();
    *PART.lock().unwrap_or_else(PoisonError::into_inner) = None;
    result
}

/// Where signals cannot be taken, they end the command as ever.
fn install() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if let Some(part) = PART.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                // It may not be there yet, or no longer.
                let _ = std::fs::remove_file(part);
            }
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
}
