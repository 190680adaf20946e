use std::env;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::object;

const SECRET_VARIABLE: &str = "HST_WEBHOOK_SECRET";

/// What this server knows of an App beyond what the platform does.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct SettingsChange {
    /// What happens when somebody logs in who is online: refuse, replace, or devices:2 to devices:16.
    #[arg(long, value_name = "POLICY")]
    login: Option<String>,
    /// Members of a group.
    #[arg(long, value_name = "N")]
    max_members: Option<u32>,
    /// Bytes of a message.
    #[arg(long, value_name = "N")]
    max_message: Option<u32>,
    /// Past messages that a group keeps.
    #[arg(long, value_name = "N")]
    history: Option<u32>,
    /// The formats of tokens that it takes.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS")]
    tokens: Option<Vec<Format>>,
    /// Whether bearers of 001 tokens are held to the user and group named in them.
    #[arg(long, value_name = "BOOL")]
    bind_tokens: Option<bool>,
    /// Who is told what happens; `none` for nobody. Its secret is in the variable HST_WEBHOOK_SECRET.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The platform's own format.
    #[value(name = "001")]
    Legacy001,
    /// Signed JSON Web Tokens.
    Jwt,
}

impl SettingsChange {
    pub(super) fn body(&self) -> Value {
        let accepts = |format| self.tokens.as_ref().map(|tokens| json!(tokens.contains(&format)));
        let changes = [
            ("login", self.login.as_ref().map(|login| json!(login))),
            ("max_members", self.max_members.map(Value::from)),
            ("max_message", self.max_message.map(Value::from)),
            ("history", self.history.map(Value::from)),
            ("accepts_001", accepts(Format::Legacy001)),
            ("accepts_jwt", accepts(Format::Jwt)),
            ("bind_tokens", self.bind_tokens.map(Value::from)),
            ("webhook", self.webhook.as_deref().map(webhook)),
        ];
        object(changes.into_iter().filter_map(|(name, value)| Some((name, value?))))
    }
}

fn webhook(url: &str) -> Value {
    match url {
        "none" => Value::Null,
        // The server says so when there is no secret, or one that is no good.
        _ => json!({ "url": url, "secret": env::var(SECRET_VARIABLE).unwrap_or_default() }),
    }
}
