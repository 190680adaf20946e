//! The platform's `/v1/online`, as far as it is about terminals.

use std::sync::Arc;

use axum::extract::State;
use hst_id::{AppId, TerminalType, UserId};
use hst_proto::Payload;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    body::Body,
    caller::Caller,
    page::{Limit, Number, Page},
    params::Params,
    problem::{Code, Problem},
};
use crate::{
    admin::{Refused, Terminal},
    http::Web,
};

/// The most terminals that one call may name.
const MAX_TERMINALS: usize = 500;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    #[param(value_type = String)]
    app_id: AppId,
    /// Comes back in the answer.
    msg_id: i64,
    /// Only those who logged in for this company.
    company_id: Option<String>,
    /// Counted from 1.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, default = 1)]
    page: Number,
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 100)]
    page_size: Limit,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct States {
    msg_id: i64,
    user_list: Vec<TerminalState>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TerminalState {
    /// 1: online. Who is not is not in the list.
    #[schema(example = 1)]
    state: u8,
    user_id: String,
    /// The server's name for the terminal.
    terminal_seq_num: String,
    mutex_type: String,
}

/// Who is online, by which terminals, in the order of names.
#[utoipa::path(
    get,
    path = "/v1/online/user/state",
    tag = "Platform",
    params(Wanted),
    responses((status = 200, body = Answer<States>)),
)]
pub(super) async fn list_states(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Params(wanted): Params<Wanted>,
) -> Outcome<States> {
    let app = web.hub.app_of(&developer, &wanted.app_id)?;
    let online = web.hub.online(&app.id).await?.into_iter();
    let of_company = online.filter(|terminal| {
        let company = wanted.company_id.as_ref();
        company.is_none_or(|company| *company == terminal.info.company)
    });
    let page = Page::numbered(wanted.page, wanted.page_size).of(of_company);
    let state = |terminal: Terminal| TerminalState {
        state: 1,
        terminal_seq_num: terminal.name(),
        user_id: terminal.user.to_string(),
        mutex_type: terminal.terminal.to_string(),
    };
    ok(States {
        msg_id: wanted.msg_id,
        user_list: page.into_iter().map(state).collect(),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Order {
    #[schema(value_type = String)]
    app_id: AppId,
    /// Comes back in the answer.
    msg_id: i64,
    /// Any JSON value, as large as a message of the App may be.
    #[schema(value_type = Object)]
    trans_mess: Payload,
    /// 1 to 500 terminals.
    user_list: Vec<Receiver>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct Receiver {
    #[schema(value_type = String)]
    user_id: UserId,
    #[schema(value_type = String, example = "web")]
    mutex_type: TerminalType,
    /// Not looked at: user and class of terminal say who is meant.
    #[schema(value_type = Option<String>)]
    #[expect(dead_code, reason = "part of the platform's shape")]
    client_guid: Option<IgnoredAny>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivered {
    msg_id: i64,
    user_list: Vec<Delivery>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Delivery {
    /// 0 it was told, 1 it may not have been, 2 the user is not online by such a terminal.
    result: u8,
    user_id: String,
    terminal_seq_num: String,
    mutex_type: String,
}

/// Tells terminals something in the name of the application: each gets the event `server_message`.
#[utoipa::path(
    post,
    path = "/v1/online/trans-cmd",
    tag = "Platform",
    request_body = Order,
    responses((status = 200, body = Answer<Delivered>)),
)]
pub(super) async fn tell_terminals(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Body(order): Body<Order>,
) -> Outcome<Delivered> {
    let app = web.hub.app_of(&developer, &order.app_id)?;
    let count = order.user_list.len();
    if !(1..=MAX_TERMINALS).contains(&count) {
        let message = format!("user_list: names {count} terminals: 1 to {MAX_TERMINALS} are allowed");
        return Err(Problem::new(Code::ArgumentInvalid, message));
    }
    let mut user_list = Vec::with_capacity(count);
    for Receiver {
        user_id, mutex_type, ..
    } in &order.user_list
    {
        let told = web.hub.tell(&app, user_id, Some(mutex_type), &order.trans_mess).await;
        let (result, terminal) = match told {
            Ok(told) => match told.first() {
                Some(terminal) => (0, terminal.name()),
                None => (2, String::new()),
            },
            Err(Refused::Cluster(_)) => (1, String::new()),
            Err(refused) => return Err(refused.into()),
        };
        user_list.push(Delivery {
            result,
            user_id: user_id.to_string(),
            terminal_seq_num: terminal,
            mutex_type: mutex_type.to_string(),
        });
    }
    ok(Delivered {
        msg_id: order.msg_id,
        user_list,
    })
}
