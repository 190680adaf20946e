//! The gateway for backends: the platform's REST, and what this server adds to it.
//!
//! Each handler stands beside the shapes that it reads and answers, and the document that describes them all is made of
//! these (see [`document`]).

mod access_token;
mod answer;
mod app;
mod apps;
mod bans;
mod body;
mod caller;
mod consuming;
mod cors;
mod document;
mod groups;
mod invite;
mod kickout;
mod members;
mod messages;
mod named;
mod nodes;
mod online;
mod page;
mod params;
mod problem;
mod revocations;
mod routes;
mod secret;
mod settings;
mod stats;
mod terminals;

pub(super) use self::routes::routes;
