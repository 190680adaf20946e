use std::{fmt::Write as _, net::SocketAddr};

use hst_server::{Addresses, Config, DEV_APP_ID, DEV_APP_SECRET, RunningServer, Tls, store::Developer};

/// What is to be said once the server runs, for people or as one line of JSON.
pub(crate) fn announcement(config: &Config) -> impl FnOnce(&RunningServer, bool) -> String + use<> {
    let needs_https = config.tls == Tls::Off && !config.bind.ip().is_loopback() && config.public_url.is_none();
    let apps = config.apps.len();
    let dev = config.apps.iter().any(|app| app.id.as_str() == DEV_APP_ID);
    move |server, json| {
        if json {
            return ready_json(server);
        }
        let mut text = String::new();
        let mut line = |name: &str, what: &str| writeln!(text, "  {name:<8}{what}").expect("a String takes all");
        for (index, origin) in server.origins().iter().enumerate() {
            line(if index == 0 { "open" } else { "" }, &format!("{origin}/"));
        }
        if let Some(origin) = server.origins().first() {
            line("access", &origin.to_string());
        }
        if dev {
            line(
                "app",
                &format!("{DEV_APP_ID}, secret {DEV_APP_SECRET} (public: for development only)"),
            );
        } else {
            line("apps", &apps.to_string());
        }
        if let Some(Developer { id, secret, .. }) = server.new_developer() {
            let text = format!(
                "Developer ID {id}, Developer Secret {} (shown this once)",
                secret.reveal()
            );
            line("backend", &text);
        }
        let Addresses {
            media,
            candidates,
            turn,
            ..
        } = server.addresses();
        let ports: Vec<_> = media.iter().map(|address| address.port().to_string()).collect();
        let ips: Vec<_> = candidates.iter().map(ToString::to_string).collect();
        line(
            "media",
            &format!("UDP and TCP {} at {}", ports.join(", "), ips.join(", ")),
        );
        if let Some(turn) = turn {
            line("relay", &format!("UDP {}, and at the port of HTTP", turn.port()));
        }
        if needs_https {
            line(
                "note",
                "browsers give camera and microphone to localhost and https only: see --tls-self-signed",
            );
        }
        format!(
            "\nhst-server {}\n\n{text}\n{}",
            env!("CARGO_PKG_VERSION"),
            ready(server.addresses())
        )
    }
}

/// One line for scripts that wait for the server.
fn ready(addresses: &Addresses) -> String {
    let one = |address: Option<SocketAddr>| address.map_or("-".to_owned(), |address| address.to_string());
    let media: Vec<_> = addresses.media.iter().map(ToString::to_string).collect();
    format!(
        "ready http={} quic={} media={}\n",
        one(addresses.http),
        one(addresses.quic),
        media.join(",")
    )
}

fn ready_json(server: &RunningServer) -> String {
    let Addresses {
        http,
        quic,
        media,
        turn,
        candidates,
        metrics,
        ..
    } = server.addresses();
    let urls: Vec<_> = server.origins().iter().map(ToString::to_string).collect();
    let mut ready = serde_json::json!({
        "ready": { "http": http, "quic": quic, "media": media, "candidates": candidates, "urls": urls }
    });
    if let Some(turn) = turn {
        ready["ready"]["turn"] = serde_json::json!(turn);
    }
    if let Some(metrics) = metrics {
        ready["ready"]["metrics"] = serde_json::json!(metrics);
    }
    if let Some(Developer { id, secret, .. }) = server.new_developer() {
        ready["ready"]["developer"] = serde_json::json!({ "id": id.as_str(), "secret": secret.reveal() });
    }
    format!("{ready}\n")
}
