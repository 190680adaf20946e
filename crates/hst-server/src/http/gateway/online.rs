use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    named::NamedApp,
    page::Page,
    params::Params,
};
use crate::{admin::Terminal, http::Web};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Online {
    terminals: Vec<TerminalView>,
    /// How many there are in all.
    total: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct TerminalView {
    user: String,
    /// Its class.
    #[schema(example = "web")]
    terminal: String,
    /// The server's name for the session.
    #[schema(example = "local-s7")]
    session: String,
    company: String,
    /// The text that it has set.
    state: String,
    /// The text of its login.
    extend_info: String,
}

impl From<Terminal> for TerminalView {
    fn from(terminal: Terminal) -> Self {
        Self {
            user: terminal.user.to_string(),
            session: terminal.name(),
            terminal: terminal.terminal.to_string(),
            company: terminal.info.company,
            state: terminal.info.state,
            extend_info: terminal.info.extend_info,
        }
    }
}

/// Lists who is online, by which terminals, in the order of users and terminals.
#[utoipa::path(
    get,
    path = "/v1/apps/{app}/online",
    tag = "Users",
    params(("app" = String, Path), Page),
    responses((status = 200, body = Answer<Online>)),
)]
pub(super) async fn list_online(
    State(web): State<Arc<Web>>,
    NamedApp(app): NamedApp,
    Params(page): Params<Page>,
) -> Outcome<Online> {
    let terminals = web.hub.online(&app.id).await?;
    ok(Online {
        total: terminals.len(),
        terminals: page.of(terminals).into_iter().map(TerminalView::from).collect(),
    })
}
