//! How the unit tests log in.

use hst_auth::{AppSecret, TokenIssuer, TokenRequest};
use hst_id::AppId;
use hst_proto::Login;

use crate::{DEV_APP_ID, DEV_APP_SECRET, apps::now};

/// A login to the App of development that is accepted.
pub(crate) fn dev_login(user: &str) -> Login {
    let (app, secret) = (AppId::parse(DEV_APP_ID), AppSecret::parse(DEV_APP_SECRET));
    let token = TokenIssuer::legacy_001(app.unwrap(), &secret.unwrap()).issue(&TokenRequest::default(), now());
    login(DEV_APP_ID, &token.unwrap(), user)
}

/// A login as ordinary as can be.
pub(crate) fn login(app: &str, token: &str, user: &str) -> Login {
    Login {
        protocol: hst_proto::VERSION,
        app: app.to_owned(),
        token: token.to_owned(),
        user: user.to_owned(),
        terminal: "web".parse().unwrap(),
        company: String::new(),
        force: false,
        extend_info: String::new(),
        previous: None,
    }
}
