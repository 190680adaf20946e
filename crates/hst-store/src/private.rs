//! A folder and a file that are their owner's alone, because the file holds secrets.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Makes a folder and those above it, where they are missing.
pub(crate) fn make_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

/// Makes an empty file if there is none, and takes the rights of others from one that is there. SQLite gives the files
/// that it keeps beside it the same rights.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    // To close any handle of a file drops all locks that the process has on it (POSIX, fcntl), those of SQLite too. So
    // only a file that nobody has open yet is opened here, and a lock keeps other threads from opening it meanwhile.
    static NEW_FILE: Mutex<()> = Mutex::new(());
    let _alone = NEW_FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_file() => keep_others_out(path),
        other => other.map(drop),
    }
}

#[cfg(unix)]
fn keep_others_out(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    permissions.set_mode(permissions.mode() & 0o700);
    fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn keep_others_out(_: &Path) -> io::Result<()> {
    Ok(())
}
