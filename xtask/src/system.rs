//! The programs that the house needs beside cargo.

use std::{
    env,
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use crate::Result;

/// Where the headers of the system's libraries are, and what its Python knows.
const FILES: &[&str] = &["/usr/include", "/usr/local/include", "/usr/lib/python3/dist-packages"];

/// A program that must be found on the `PATH`, the header of a library or its plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
    reason: &'static str,
}

const CC: Tool = Tool::new("cc", "build-essential", "compiles the cryptography and the database");

const NODE: Tool = Tool::new("node", "nodejs", "runs the browser engine's own tests, and its checks");
const NPM: Tool = Tool::new(
    "npm",
    "npm",
    "gets the TypeScript compiler and axe-core, and packs the browser engine",
);

/// What building needs.
pub(crate) const TO_BUILD: &[Tool] = &[CC];

/// What the check of the browser engine's types needs.
pub(crate) const TO_TYPE: &[Tool] = &[NODE, NPM];

/// What making the package for npm needs.
pub(crate) const TO_PACK: &[Tool] = &[
    NODE,
    NPM,
    Tool::new("gzip", "gzip", "tells how large the browser engine is on the wire"),
];

/// What the tests need.
pub(crate) const TO_TEST: &[Tool] = &[
    CC,
    Tool::new("chromium", "chromium", "shows the pages of the browser tests"),
    Tool::new("chromedriver", "chromium-driver", "drives that browser"),
    Tool::new("ffprobe", "ffmpeg", "judges the files that we record"),
    Tool::new("ip", "iproute2", "makes the network of the namespace tests"),
    Tool::new("nft", "nftables", "loses packets there"),
    Tool::new("valgrind", "valgrind", "counts what a forwarded packet costs"),
    NODE,
    NPM,
    Tool::new("nats-server", "nats-server", "is what a cluster agrees by"),
    Tool::new(
        "virtualenv",
        "virtualenv",
        "makes a place for aiortc, which publishes and plays, and for a newer nats-server",
    ),
    Tool::new(
        "gi/__init__.py",
        "python3-gi",
        "lets Python use GStreamer, which publishes and plays, too",
    ),
    Tool::new(
        "girepository-1.0/GstWebRTC-1.0.typelib",
        "gir1.2-gst-plugins-bad-1.0",
        "describes its WebRTC to Python",
    ),
    Tool::new(
        "gstreamer-1.0/libgstopus.so",
        "gstreamer1.0-plugins-base",
        "makes its sound",
    ),
    Tool::new(
        "gstreamer-1.0/libgstvpx.so",
        "gstreamer1.0-plugins-good",
        "makes its pictures",
    ),
    Tool::new(
        "gstreamer-1.0/libgstwebrtc.so",
        "gstreamer1.0-plugins-bad",
        "is its WebRTC",
    ),
    Tool::new("gstreamer-1.0/libgstnice.so", "gstreamer1.0-nice", "connects that"),
];

/// What the tests of microphones and speakers need beside that.
pub(crate) const TO_HEAR: &[Tool] = &[
    Tool::new("cmake", "cmake", "builds Opus, for the tests of devices"),
    Tool::new("pkg-config", "pkgconf", "finds the sound system"),
    Tool::new("alsa/asoundlib.h", "libasound2-dev", "is the sound system"),
];

impl Tool {
    const fn new(program: &'static str, package: &'static str, reason: &'static str) -> Self {
        Self {
            program,
            package,
            reason,
        }
    }
}

/// Sees to it that the tools are there: installs those that are missing where it can, and says so.
pub(crate) fn ensure(tools: &[Tool]) -> Result {
    let path = search_path();
    let is_missing = |tool: &&Tool| !is_on(&path, tool.program);
    let missing: Vec<Tool> = tools.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        println!("{} is missing: it {}", tool.program, tool.reason);
    }
    let host = Host {
        apt: is_on(&path, "apt-get"),
        root: prints("id", &["-u"], "0"),
        sudo: is_on(&path, "sudo"),
    };
    for command in commands(&missing, host)? {
        println!("+ {}", command.join(" "));
        let mut process = Command::new(command[0]);
        process.args(&command[1..]).env("DEBIAN_FRONTEND", "noninteractive");
        let status = process.stdin(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("`{}` failed ({status})", command.join(" ")).into());
        }
    }
    match missing.iter().find(is_missing) {
        None => Ok(()),
        Some(tool) => Err(format!(
            "{} is still missing, though {} is installed",
            tool.program, tool.package
        )
        .into()),
    }
}

/// Runs a program in `folder` and shows what it says.
pub(crate) fn run(folder: &Path, program: &str, args: &[&str]) -> Result {
    println!("+ {program} {}", args.join(" "));
    let mut command = Command::new(program);
    let status = command.args(args).current_dir(folder).stdin(Stdio::null()).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{program} {}` failed ({status})", args.join(" ")).into()),
    }
}

/// What this machine lets us do.
#[derive(Debug, Clone, Copy)]
struct Host {
    apt: bool,
    root: bool,
    sudo: bool,
}

/// The commands that install `tools`.
fn commands(tools: &[Tool], host: Host) -> Result<Vec<Vec<&'static str>>> {
    let mut packages: Vec<&str> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if !host.apt {
        let programs: Vec<&str> = tools.iter().map(|tool| tool.program).collect();
        let programs = programs.join(", ");
        return Err(format!("please install {programs}: this system has no apt-get, so I cannot").into());
    }
    let head: &[&str] = match host {
        Host { root: true, .. } => &["apt-get"],
        Host { sudo: true, .. } => &["sudo", "apt-get"],
        _ => {
            let packages = packages.join(" ");
            return Err(format!("please run, as root: apt-get install --no-install-recommends {packages}").into());
        }
    };
    let update = [head, &["update", "-q"]].concat();
    let install = [head, &["install", "-y", "-q", "--no-install-recommends"], &packages].concat();
    Ok(vec![update, install])
}

/// The folders where programs and files are looked for: some accounts lack the administrator's, where `ip` may be.
fn search_path() -> Vec<std::path::PathBuf> {
    let own = env::var_os("PATH").unwrap_or_default();
    let administrator = ["/usr/sbin", "/sbin"].iter().chain(FILES).map(Into::into);
    let libraries = format!("/usr/lib/{}-linux-gnu", env::consts::ARCH).into();
    env::split_paths(&own).chain(administrator).chain([libraries]).collect()
}

fn is_on(path: &[impl AsRef<Path>], program: impl AsRef<OsStr>) -> bool {
    let program = Path::new(program.as_ref());
    path.iter().any(|folder| folder.as_ref().join(program).is_file())
}

fn prints(program: &str, args: &[&str], text: &str) -> bool {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: Host = Host {
        apt: true,
        root: true,
        sudo: false,
    };

    #[test]
    fn root_on_debian_installs_each_package_once() {
        let browser = [
            Tool::new("chromium", "chromium", "shows"),
            Tool::new("chromium-shell", "chromium", "shows too"),
        ];
        let commands = commands(&browser, DEBIAN).unwrap();
        assert_eq!(commands[0], ["apt-get", "update", "-q"]);
        let install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"];
        assert_eq!(commands[1], install);
    }

    #[test]
    fn others_go_through_sudo() {
        let host = Host {
            root: false,
            sudo: true,
            ..DEBIAN
        };
        assert_eq!(commands(TO_BUILD, host).unwrap()[1][..2], ["sudo", "apt-get"]);
    }

    #[test]
    fn where_nothing_can_be_installed_the_words_say_what_to_do() {
        let plain = Host { root: false, ..DEBIAN };
        let words = commands(TO_BUILD, plain).unwrap_err().to_string();
        assert!(
            words.ends_with("apt-get install --no-install-recommends build-essential"),
            "{words}"
        );

        let other = Host { apt: false, ..DEBIAN };
        let words = commands(TO_BUILD, other).unwrap_err().to_string();
        assert!(words.starts_with("please install cc"), "{words}");
    }

    #[test]
    fn a_program_is_found_only_where_it_is() {
        let path = search_path();
        assert!(is_on(&path, "sh"));
        assert!(!is_on(&path, "no-such-program-as-this"));
    }
}
