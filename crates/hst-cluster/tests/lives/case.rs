use hst_cluster::Policy;

/// What the world allows for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// One a node: how its user claims the place.
    pub(crate) policies: [Option<Policy>; 3],
    /// Writes whose answers are lost; each of them arrives late or never.
    pub(crate) lost: u8,
    /// Lives that are taken for over, rightly or by mistake.
    pub(crate) suspicions: u8,
    /// Nodes that end without a word.
    pub(crate) deaths: u8,
    /// Whether a user who has the place may leave.
    pub(crate) users_leave: bool,
    pub(crate) flaw: Option<Flaw>,
}

/// What would be wrong, for the tests that see it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// A release takes away whatever stands there.
    DeletesBlindly,
    /// A write goes over whatever stands there.
    WritesBlindly,
    /// Who is silent passes for dead, though nobody has declared it.
    TakesOverUnfenced,
    /// No node follows its places.
    NobodyFollows,
}
