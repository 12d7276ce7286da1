//! How threads of libtorch wait for each other.

/// How often a waiting thread looks before it sleeps. By default libgomp's threads spin for
/// milliseconds, which costs nothing on an idle machine; where other work has a core, a batch
/// then takes 5 to 30 times as long. With this many looks both are near their best.
#[cfg(unix)]
const SPIN_COUNT: (&str, &str) = ("GOMP_SPINCOUNT", "1000");

/// Makes sure that threads do not spin while other work has the cores.
///
/// libgomp reads its environment as it is loaded, before any line of this program: where the
/// user has not said how threads should wait, the program starts itself again and says so. If
/// that fails it goes on as it is.
#[cfg(unix)]
pub fn wait_politely() {
    use std::{env, os::unix::process::CommandExt, process::Command};
    let (variable, count) = SPIN_COUNT;
    if env::var_os(variable).is_some() || env::var_os("OMP_WAIT_POLICY").is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| "nas".into());
    let _ = Command::new(program).arg0(name).args(arguments).env(variable, count).exec();
}

/// Nothing to do where libtorch brings another library for threads.
#[cfg(not(unix))]
pub fn wait_politely() {}
