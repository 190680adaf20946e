//! A child process that never outlives us.
//!
//! A child killed by its parent's destructor survives a parent that is itself killed. So each child runs under a guard
//! (this program again) that holds the read end of a pipe from us: when we end, in whatever way, the pipe ends, and the
//! guard kills the child.

use std::{
    env,
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use crate::Result;

/// The hidden command under which this program is a guard.
pub(crate) const GUARD: &str = "__guard";

/// How often a guard looks whether its child has ended by itself.
const GLANCE: Duration = Duration::from_millis(50);

/// A child under guard; dropping it ends the child.
#[derive(Debug)]
pub(crate) struct Guarded(Child);

impl Guarded {
    /// Starts `command` with its output going to pipes of ours.
    pub(crate) fn spawn(command: &[String]) -> Result<Self> {
        let mut guard = Command::new(env::current_exe()?);
        guard.arg(GUARD).args(command);
        guard
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own: Ctrl-C reaches us alone, and the guard then sees the pipe end.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        Ok(Self(guard.spawn()?))
    }

    /// What the child prints; can be taken once.
    pub(crate) fn stdout(&mut self) -> Option<impl Read + Send + use<>> {
        self.0.stdout.take()
    }

    /// What the child complains about; can be taken once.
    pub(crate) fn stderr(&mut self) -> Option<impl Read + Send + use<>> {
        self.0.stderr.take()
    }

    /// Whether the child has ended by itself.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // The guard ends at once after its child, so this does not wait for long; there is nobody to tell of a failure.
        let _ = self.0.wait();
    }
}

/// Runs `command` until it ends or standard input does.
pub(crate) fn guard(command: &[&str]) -> Result {
    let [program, args @ ..] = command else {
        return Err("nothing to guard".into());
    };
    let mut child = match Command::new(program).args(args).stdin(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(error) => return Err(format!("{program} does not start: {error}").into()),
    };
    let (pipe_ended, ended) = sync_channel(1);
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = pipe_ended.send(());
    });
    loop {
        if let Some(status) = child.try_wait()? {
            return match status.success() {
                true => Ok(()),
                false => Err(format!("{program} ended: {status}").into()),
            };
        }
        if ended.recv_timeout(GLANCE) != Err(RecvTimeoutError::Timeout) {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
    }
}
