use hst_cluster::Unavailable;
use hst_id::UserId;
use hst_store::StoreError;
use thiserror::Error;

/// Why something was not done.
#[derive(Debug, Error)]
pub(crate) enum Refused {
    #[error("Authentication failed")]
    WrongCredentials,
    /// Who runs the servers may do it, and nobody else.
    #[error("this is for the developer whom the platform's first start made")]
    NotOperator,
    #[error("there is no such node")]
    NoSuchNode,
    #[error("there is no other node that takes sessions")]
    NoSuccessor,
    /// There is none, or it is another developer's: nobody learns which.
    #[error("there is no such App")]
    NoSuchApp,
    /// It can be used, and is changed elsewhere.
    #[error("this App is part of the server's configuration, which is the place to change it")]
    FixedApp,
    #[error("nobody is in this group")]
    NoSuchGroup,
    /// No such member or media; in the group's words.
    #[error("{0}")]
    NotInGroup(String),
    #[error("{0} is not online")]
    NotOnline(UserId),
    #[error("there is no such ban")]
    NoSuchBan,
    #[error("a message of this App has at most {max} bytes of JSON")]
    MessageTooLarge { max: usize },
    /// Whether it was done is not known.
    #[error("the group has too much to do: try again")]
    Late,
    /// Another version of this program is at work on another node.
    #[error("nodes of different versions do not understand each other in this: bring all nodes to the newest one")]
    NotUnderstood,
    /// Whether it was done is not known, because its answer was lost.
    #[error("nobody knows whether it was done: look, and try again")]
    Unsure,
    /// It was done.
    #[error("it was done, and a node has not said yet that it knows: try again")]
    Unconfirmed,
    #[error("{0}: try again")]
    Cluster(#[from] Unavailable),
    #[error(transparent)]
    Store(#[from] StoreError),
}
