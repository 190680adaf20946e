use hst_cluster::{Entry, Key, Login, NodeRecord, Revision, Subject};

/// An entry of the directory that another program may have written: a name, and what stands there.
pub fn entry(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
        return;
    };
    let Ok(name) = std::str::from_utf8(name) else { return };
    if let Ok(subject) = Subject::parse(name) {
        assert!(!subject.as_str().contains(['*', '>', ' ', '\r', '\n', '\0']));
    }
    let Ok(key) = Key::parse(name) else { return };
    let entry = Entry {
        key,
        value: value.to_vec().into(),
        revision: Revision::new(1),
    };
    let _ = NodeRecord::read(&entry);
    let _ = Login::read(&entry);
}
