//! The program `nas`: checks that libtorch can be loaded, and becomes `nas-program`.
//!
//! The loader links libtorch before the first line of `nas-program` runs, and where it cannot, nothing of
//! that program can say so.

#[cfg(feature = "torch")]
#[path = "environment.rs"]
mod environment;

use std::process::ExitCode;

#[cfg(not(feature = "torch"))]
fn main() -> ExitCode {
    nas_cli::main()
}

#[cfg(feature = "torch")]
fn main() -> ExitCode {
    match started() {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

#[cfg(feature = "torch")]
fn started() -> Result<ExitCode, String> {
    use std::{env, process::Command};

    let starter =
        env::current_exe().map_err(|error| format!("cannot find nas's own file: {error}"))?;
    let program = starter.with_file_name(format!("nas-program{}", env::consts::EXE_SUFFIX));
    if !program.is_file() {
        return Err(format!(
            "{} is missing: it belongs beside nas\n  \
             to install both, type in the folder of pel-nas: cargo install --path crates/nas-cli\n  \
             or, to try them there: cargo build --package nas-cli --bins",
            program.display()
        ));
    }
    #[cfg(target_os = "linux")]
    loader::check(&program)?;
    let mut arguments = env::args_os();
    let mut command = Command::new(&program);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(
        &mut command,
        arguments.next().unwrap_or_else(|| "nas".into()),
    );
    #[cfg(not(unix))]
    let _ = arguments.next();
    command.args(arguments).envs(environment::missing());
    become_it(command).map_err(|error| format!("cannot start {}: {error}", program.display()))
}

/// Replaces this process.
#[cfg(all(feature = "torch", unix))]
fn become_it(mut command: std::process::Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

#[cfg(all(feature = "torch", not(unix)))]
fn become_it(mut command: std::process::Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code().unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// What the loader of Linux says of a program.
#[cfg(all(feature = "torch", target_os = "linux"))]
mod loader {
    use std::{path::Path, process::Command};

    /// The libtorch that nas is written for.
    const VERSION: &str = "2.11.0";

    /// Checks that the loader finds each library of the program, and in them each function that the
    /// program uses. The loader is asked as `ldd -r` asks it: it loads and links, but runs nothing.
    pub fn check(program: &Path) -> Result<(), String> {
        let asked = Command::new(program)
            .env("LD_TRACE_LOADED_OBJECTS", "1")
            .env("LD_WARN", "yes")
            .env("LD_BIND_NOW", "yes")
            .output();
        // Where the loader cannot be asked, the program's start will show.
        let Ok(asked) = asked else { return Ok(()) };
        let text = [asked.stdout, asked.stderr].concat();
        match problem(&String::from_utf8_lossy(&text), program) {
            Some(problem) => Err(problem + &advice()),
            None => Ok(()),
        }
    }

    fn advice() -> String {
        let mut lines = Vec::new();
        if let Some(folder) = option_env!("NAS_LIBTORCH") {
            lines.push(format!("this nas was built with the libtorch in {folder}"));
        }
        if std::env::var_os("LD_LIBRARY_PATH").is_some() {
            lines.push("LD_LIBRARY_PATH is set, and its folders come first: unset it, or".into());
        }
        lines.extend([
            "type, in the folder of pel-nas: cargo xtask setup".into(),
            format!("or put the folder `lib` of a libtorch {VERSION} into LD_LIBRARY_PATH"),
            "or do without: cargo install --path crates/nas-cli --no-default-features".into(),
        ]);
        format!("\n  {}", lines.join("\n  "))
    }

    /// What the loader's report says is wrong.
    fn problem(report: &str, program: &Path) -> Option<String> {
        let mut missing = Vec::new();
        let (mut found, mut absent, mut other) = (None, 0, None);
        for line in report.lines().map(str::trim) {
            if let Some((library, "not found")) = line.split_once(" => ") {
                missing.push(library);
            } else if let Some((library, path)) = line.split_once(" => ")
                && library.starts_with("libtorch")
            {
                found = path.rsplit_once(" (").map(|(path, _)| path);
            } else if line.starts_with("undefined symbol:") && of(line, program) {
                absent += 1;
            } else if line.contains("error while loading shared libraries")
                || (line.contains(": version `") && line.contains("not found"))
            {
                other = other.or(Some(line));
            }
        }
        if !missing.is_empty() {
            return Some(format!("libtorch cannot be loaded: {} not found", missing.join(", ")));
        }
        if let Some(line) = other {
            return Some(format!("libtorch cannot be loaded: {line}"));
        }
        (absent > 0).then(|| {
            format!(
                "{} is not of libtorch {VERSION}: {absent} of the functions that nas calls are \
                 missing in it",
                found.unwrap_or("the libtorch that was found")
            )
        })
    }

    /// Whether the symbol is missing for the program, or for libtorch itself; other libraries may lack
    /// what nobody calls.
    fn of(line: &str, program: &Path) -> bool {
        let Some((_, user)) = line.rsplit_once('(') else { return false };
        let user = Path::new(user.trim_end_matches(')'));
        let name = user.file_name().unwrap_or_default().to_string_lossy();
        user == program || name.starts_with("libtorch") || name.starts_with("libc10")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_the_loader_reports_is_told_in_words() {
            let program = Path::new("/bin/nas-program");
            let told = |report: &str| problem(report, program);
            let whole = "\tlibtorch_cpu.so => /t/lib/libtorch_cpu.so (0x00007f)\n\
                         \tlibm.so.6 => /lib/libm.so.6 (0x00007e)\n";
            assert_eq!(told(whole), None);
            let absent = "\tlibtorch_cpu.so => not found\n\tlibc10.so => not found\n\
                          undefined symbol: at_add\t(/bin/nas-program)\n";
            assert_eq!(
                told(absent).unwrap(),
                "libtorch cannot be loaded: libtorch_cpu.so, libc10.so not found"
            );
            let foreign = format!("{whole}undefined symbol: _ZN2at3add\t(/bin/nas-program)\n");
            assert!(
                told(&foreign).unwrap().starts_with("/t/lib/libtorch_cpu.so is not of libtorch")
            );
            // A library of another kind may lack what is never called.
            assert_eq!(told(&format!("{whole}undefined symbol: x\t(/lib/libcupti.so)\n")), None);
            let broken = "/bin/nas-program: error while loading shared libraries: \
                          /t/lib/libc10.so: file too short\n";
            assert!(told(broken).unwrap().ends_with("/t/lib/libc10.so: file too short"));
        }
    }
}
