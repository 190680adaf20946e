//! The file, and who else may have it open.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use house::{NOW, app, developer, settings};
use hst_auth::AppId;
use hst_store::{FILE_NAME, FirstDeveloper, Store, StoreError};
use rusqlite::Connection;

fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join(FILE_NAME)).unwrap()
}

#[cfg(unix)]
#[test]
fn the_folder_is_made_and_everything_in_it_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/data");
    let store = Store::open(&folder).unwrap();
    app(&store, "app");
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() > 1, "the write-ahead log is there, too");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");

    drop(store);
    let file = folder.join(FILE_NAME);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    Store::open(&folder).unwrap();
    assert_eq!(mode(&file), 0o600, "and so it is when somebody has opened it to others");
}

#[test]
fn an_empty_file_becomes_a_database_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), "").unwrap();
    let created = app(&Store::open(folder.path()).unwrap(), "app");
    assert_eq!(
        Store::open(folder.path()).unwrap().app(&created.id).unwrap(),
        Some(created)
    );
}

#[test]
fn a_file_of_a_newer_version_is_refused_by_name_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    raw(folder.path()).pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("use the newer program"));
    assert!(!error.is_retryable());
}

#[test]
fn a_damaged_file_is_called_damaged_wherever_the_damage_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (0..100).for_each(|n| drop(app(&store, &format!("App {n}"))));
    drop(store);
    let path = folder.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 4 * 4096);
    let page = |n: usize| n * 4096..(n + 1) * 4096;

    let mut damages = vec![b"this is no database, but long enough to be taken for one".repeat(100)];
    damages.push(whole[..whole.len() / 2].to_vec());
    for n in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page(n)].fill(0xa5);
        damages.push(bytes);
    }
    for bytes in damages {
        fs::write(&path, &bytes).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert_eq!(
            fs::read(&path).unwrap(),
            bytes,
            "what may still be saved is not touched"
        );
    }
}

#[test]
fn values_that_we_never_wrote_are_damage_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let id = app(&store, "app").id;
    for spoiled in [
        "name = 'a''b'",
        "secret = 'short'",
        "owner = upper(owner)",
        "login = 'devices:17'",
        "message_bytes = 65537",
        "history = -1",
        "created_at = -1",
        "webhook_url = 'ftp://a', webhook_secret = 'sixteen-letters-'",
        "previous_secret = '', previous_until = 1",
    ] {
        let database = raw(folder.path());
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database
            .execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM app")
            .unwrap();
        database.execute_batch(&format!("UPDATE app SET {spoiled}")).unwrap();
        let error = store.app(&id).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{spoiled}: {error}");
        database
            .execute_batch("DELETE FROM app; INSERT INTO app SELECT * FROM temp.kept")
            .unwrap();
    }
    assert!(store.app(&id).unwrap().is_some());
}

#[test]
fn a_place_where_no_file_can_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(
        matches!(&error, StoreError::Unusable { path, .. } if *path == file),
        "{error}"
    );
    fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Unusable { .. })));
}

#[test]
fn two_handles_on_one_file_see_each_others_changes() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [(); 2].map(|()| Store::open(folder.path()).unwrap());
    let created = app(&one, "app");
    assert_eq!(two.app(&created.id).unwrap(), Some(created.clone()));
    two.change_app(&created.id, |settings| settings.online = true).unwrap();
    assert!(one.app(&created.id).unwrap().unwrap().settings.online);
}

#[test]
fn handles_that_write_at_once_wait_for_each_other_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let id = app(&Store::open(folder.path()).unwrap(), "app").id;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = Store::open(folder.path()).unwrap();
                for _ in 0..25 {
                    let add_one = |limit: &mut Option<u32>| *limit = Some(limit.unwrap_or(0) + 1);
                    store
                        .change_app(&id, |settings| add_one(&mut settings.consumption_limit))
                        .unwrap();
                }
            });
        }
    });
    let app = Store::open(folder.path()).unwrap().app(&id).unwrap().unwrap();
    assert_eq!(app.settings.consumption_limit, Some(100));
}

#[test]
fn many_that_open_a_new_file_at_once_make_one_database_with_one_developer() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Store::open(folder.path()).unwrap().ensure_developer(NOW).unwrap();
    let answers: Vec<FirstDeveloper> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let created = answers
        .iter()
        .filter(|answer| matches!(answer, FirstDeveloper::Created(_)));
    assert_eq!(created.count(), 1);
}

/// Tells a copy of this program that it is the other process, and where.
const OTHER: &str = "HST_STORE_TEST_FOLDER";

/// A copy of this program that runs one test, with a folder to work in.
fn other_process(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(OTHER, folder);
    command
}

#[test]
fn whatever_a_killed_process_was_answered_is_there() {
    if let Some(folder) = std::env::var_os(OTHER) {
        let store = Store::open(Path::new(&folder)).unwrap();
        let owner = developer(&store);
        loop {
            let app = store.create_app(&owner, settings("app"), NOW).unwrap();
            println!("created {}", app.id);
        }
    }
    for answers in [1, 7, 40] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = other_process("whatever_a_killed_process_was_answered_is_there", folder.path());
        let mut writer = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut created = lines.filter_map(|line| {
            let line = line.unwrap();
            Some(AppId::parse(line.rsplit_once("created ")?.1).unwrap())
        });
        let mut answered: Vec<AppId> = created.by_ref().take(answers).collect();
        writer.kill().unwrap();
        writer.wait().unwrap();
        answered.extend(created); // what it still said before it died

        let store = Store::open(folder.path()).unwrap();
        let kept: HashSet<AppId> = store
            .apps(None, u32::MAX)
            .unwrap()
            .into_iter()
            .map(|app| app.id)
            .collect();
        assert!(answered.len() >= answers && answered.iter().all(|id| kept.contains(id)));
        assert!(
            kept.len() <= answered.len() + 1,
            "at most the one that was not answered any more"
        );
    }
}

/// To close any handle of a file drops all locks that the process has on it (POSIX, `fcntl`).
#[cfg(target_os = "linux")]
#[test]
fn a_second_store_in_a_process_does_not_lose_the_locks_of_the_first() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    app(&first, "app");
    let file = format!(":{} ", fs::metadata(folder.path().join(FILE_NAME)).unwrap().ino());
    let is_locked = || {
        fs::read_to_string("/proc/locks")
            .unwrap()
            .lines()
            .any(|lock| lock.contains(&file))
    };
    assert!(is_locked(), "as long as it is open");
    drop(Store::open(folder.path()).unwrap());
    assert!(is_locked(), "and it still is");
    drop(first);
    assert!(!is_locked());
}

#[test]
fn the_reset_key_is_made_once_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let key = Store::open(folder.path()).unwrap().reset_key().unwrap();
    assert_eq!(Store::open(folder.path()).unwrap().reset_key().unwrap(), key);
    assert_ne!(Store::in_memory().unwrap().reset_key().unwrap(), key);
}
