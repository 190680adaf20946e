use hst_cluster::{Filter, Key, Prefix, Subject};

/// The first part of a reply's subject, as nodes see it.
const INBOX: &str = "_inbox.";

/// What is called how on the servers:
///
/// | | |
/// |---|---|
/// | `KV_<name>` | the stream that is the bucket |
/// | `$KV.<name>.<key>` | an entry of the directory, as NATS' own tools expect it |
/// | `<name>.kv.<key>` | the news of each change of it |
/// | `<name>.bus.<subject>` | messages |
/// | `<name>.inbox.…` | answers, apart from the messages, so that who listens to all hears none |
#[derive(Debug, Clone)]
pub(crate) struct Names {
    name: String,
}

impl Names {
    /// `None` if it is no single part of a subject.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let is_one_part = Subject::parse(name).is_ok() && !name.contains('.');
        is_one_part.then(|| Self { name: name.to_owned() })
    }

    pub(crate) fn stream(&self) -> String {
        format!("KV_{}", self.name)
    }

    pub(crate) fn entry(&self, key: &Key) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    pub(crate) fn entries(&self, prefix: &Prefix) -> String {
        format!("$KV.{}.{}>", self.name, prefix.as_str())
    }

    pub(crate) fn changes(&self) -> String {
        format!("{}.kv.>", self.name)
    }

    pub(crate) fn inbox(&self) -> String {
        format!("{}.inbox", self.name)
    }

    /// Nobody listens there, ever.
    pub(crate) fn nobody(&self) -> String {
        format!("{}.nobody", self.name)
    }

    pub(crate) fn probe(&self) -> String {
        format!("{}.probe", self.name)
    }

    /// Of an entry, or of a change of it.
    pub(crate) fn key(&self, wire: &str) -> Option<Key> {
        let rest = wire
            .strip_prefix("$KV.")
            .and_then(|rest| rest.strip_prefix(&*self.name));
        let rest = rest.and_then(|rest| rest.strip_prefix('.'));
        Key::parse(rest.or_else(|| self.beneath("kv", wire))?).ok()
    }

    /// Where a message goes.
    pub(crate) fn to_wire(&self, subject: &Subject) -> String {
        match subject.as_str().strip_prefix(INBOX) {
            Some(answer) => format!("{}.inbox.{answer}", self.name),
            None => format!("{}.bus.{subject}", self.name),
        }
    }

    /// What a subscriber asks for.
    pub(crate) fn filter(&self, filter: &Filter) -> String {
        match filter {
            Filter::Subject(subject) => self.to_wire(subject),
            Filter::Prefix(prefix) => format!("{}.bus.{}>", self.name, prefix.as_str()),
        }
    }

    /// Of a message or an answer; `None` for what no node of ours could have sent.
    pub(crate) fn subject(&self, wire: &str) -> Option<Subject> {
        match self.beneath("inbox", wire) {
            Some(answer) => Subject::parse(&format!("{INBOX}{answer}")).ok(),
            None => Subject::parse(self.beneath("bus", wire)?).ok(),
        }
    }

    fn beneath<'a>(&self, floor: &str, wire: &'a str) -> Option<&'a str> {
        let rest = wire.strip_prefix(&*self.name)?.strip_prefix('.')?;
        rest.strip_prefix(floor)?.strip_prefix('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_as_it_went() {
        let names = Names::parse("hst").unwrap();
        let key = Key::parse("node.n1").unwrap();
        assert_eq!(names.entry(&key), "$KV.hst.node.n1");
        assert_eq!(names.key(&names.entry(&key)), Some(key.clone()));
        assert_eq!(names.key("hst.kv.node.n1"), Some(key));
        for subject in ["kick.n1", "_inbox.a.b", "kv"].map(|text| Subject::parse(text).unwrap()) {
            assert_eq!(names.subject(&names.to_wire(&subject)), Some(subject));
        }
        assert_eq!(names.entries(&Prefix::all()), "$KV.hst.>");
        assert_eq!(names.filter(&Prefix::nodes().into()), "hst.bus.node.>");
    }

    #[test]
    fn what_is_another_clusters_or_no_name_is_nobodys() {
        let names = Names::parse("hst").unwrap();
        for wire in ["$KV.hst2.a", "hst2.kv.a", "hst.bus.a", "$KV.hst.", "$KV.hst.a=b"] {
            assert_eq!(names.key(wire), None, "{wire}");
        }
        assert_eq!(names.subject("hst.kv.a"), None);
        for name in ["", "a.b", "a b", "*", ">"] {
            assert!(Names::parse(name).is_none(), "{name}");
        }
    }
}
