use clap::{CommandFactory as _, Parser};

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn parse(arguments: &str) -> Result<Command, String> {
    let arguments = ["admin"].into_iter().chain(arguments.split_whitespace());
    let cli = Cli::try_parse_from(arguments).map_err(|error| error.to_string())?;
    Ok(cli.command)
}

fn call(arguments: &str) -> Call {
    let command = parse(arguments).unwrap_or_else(|error| panic!("{arguments}: {error}"));
    command.call().expect("it asks something")
}

#[test]
fn the_commands_fit_together() {
    Cli::command().debug_assert();
    assert!(parse("access-token").is_ok_and(|command| command.call().is_none()));
}

#[test]
fn every_command_asks_what_it_says() {
    let usual = json!([3, 4, 5, 6, 7].map(|number| json!({ "service_id": number })));
    let group = "/v1/apps/a/groups/g";
    for (arguments, expected) in [
        (
            "app create x",
            Call::post(
                "/v1/app",
                json!({"app_name": "x", "status": "offline", "service": usual}),
            ),
        ),
        (
            "app create x --status online --services audio,wechat",
            Call::post(
                "/v1/app",
                json!({"app_name": "x", "status": "online", "service": [{"service_id": 4}, {"service_id": 9}]}),
            ),
        ),
        ("app list", Call::get("/v1/apps").listing("apps")),
        ("app show a", Call::get("/v1/apps/a")),
        (
            "app set a --name y",
            Call::patch("/v1/app", json!({"app_id": "a", "app_name": "y"})),
        ),
        (
            "app set a --status offline --services record",
            Call::patch(
                "/v1/app",
                json!({"app_id": "a", "status": "offline", "service": [{"service_id": 8}]}),
            ),
        ),
        (
            "app settings a --login devices:2 --max-members 9 --max-message 100 --history 0",
            Call::patch(
                "/v1/apps/a",
                json!({"login": "devices:2", "max_members": 9, "max_message": 100, "history": 0}),
            ),
        ),
        (
            "app settings a --tokens jwt --bind-tokens true --webhook none",
            Call::patch(
                "/v1/apps/a",
                json!({"accepts_001": false, "accepts_jwt": true, "bind_tokens": true, "webhook": null}),
            ),
        ),
        ("app delete a", Call::delete("/v1/app").query("app_id", "a")),
        (
            "app secret a",
            Call::post("/v1/apps/a/secret", json!({"keep_previous": 86_400})),
        ),
        (
            "app secret a --keep-previous 0s",
            Call::post("/v1/apps/a/secret", json!({"keep_previous": 0})),
        ),
        (
            "app secret a --drop-previous",
            Call::delete("/v1/apps/a/secret/previous"),
        ),
        ("nodes", Call::get("/v1/nodes").listing("nodes")),
        ("drain n1", Call::post("/v1/nodes/n1/drain", json!({}))),
        ("online a", Call::get("/v1/apps/a/online").listing("terminals")),
        (
            "kickout a bob",
            Call::post("/v1/kickout", json!({"app_id": "a", "user_id": "bob"})),
        ),
        (
            "kickout a bob --terminal web",
            Call::post(
                "/v1/kickout",
                json!({"app_id": "a", "user_id": "bob", "mutex_type": "web"}),
            ),
        ),
        ("groups a", Call::get("/v1/apps/a/groups").listing("groups")),
        ("group show a g", Call::get(group).listing("members")),
        ("group close a g", Call::delete(group)),
        (
            "group lock a g",
            Call::post(format!("{group}/lock"), json!({"locked": true})),
        ),
        (
            "group lock a g --off",
            Call::post(format!("{group}/lock"), json!({"locked": false})),
        ),
        (
            "group mute a g bob audio appdef_mic",
            Call::post(
                format!("{group}/media/mute"),
                json!({"user": "bob", "type": 1, "media": "appdef_mic", "muted": true}),
            ),
        ),
        (
            "group mute a g bob screen 0 --off",
            Call::post(
                format!("{group}/media/mute"),
                json!({"user": "bob", "type": 0, "media": "0", "muted": false}),
            ),
        ),
        (
            "group kick a g bob",
            Call::post(format!("{group}/members/bob/kick"), json!({})),
        ),
        (
            "group kick a g bob --ban 10m",
            Call::post(format!("{group}/members/bob/kick"), json!({"ban": 600})),
        ),
        (
            "group message a g hello",
            Call::post(format!("{group}/messages"), json!({"body": "hello"})),
        ),
        (
            r#"message a bob {"x":1}"#,
            Call::post("/v1/apps/a/users/bob/messages", json!({"body": {"x": 1}})),
        ),
        ("ban a bob", Call::post("/v1/apps/a/bans", json!({"user": "bob"}))),
        (
            "ban a bob --group g --for 1h --reason spam",
            Call::post(
                "/v1/apps/a/bans",
                json!({"user": "bob", "group": "g", "seconds": 3600, "reason": "spam"}),
            ),
        ),
        ("unban a bob", Call::delete("/v1/apps/a/bans").query("user", "bob")),
        (
            "unban a bob --group g",
            Call::delete("/v1/apps/a/bans").query("user", "bob").query("group", "g"),
        ),
        ("bans a", Call::get("/v1/apps/a/bans").listing("bans")),
        (
            "revoke a --token t1",
            Call::post("/v1/apps/a/revocations", json!({"token": "t1"})),
        ),
        (
            "revoke a --user bob --issued-before 2023-11-14T22:13:20Z",
            Call::post(
                "/v1/apps/a/revocations",
                json!({"user": "bob", "issued_before": 1_700_000_000_000_u64}),
            ),
        ),
        (
            "invite a g ann bob",
            Call::post(
                "/v1/online/invite",
                json!({"app_id": "a", "group_id": "g", "user_id_list": ["ann", "bob"], "seq_id": 1}),
            ),
        ),
        (
            "invite a g ann --info come",
            Call::post(
                "/v1/online/invite",
                json!({"app_id": "a", "group_id": "g", "user_id_list": ["ann"], "seq_id": 1, "extend_info": "come"}),
            ),
        ),
    ] {
        assert_eq!(call(arguments), expected, "{arguments}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    for arguments in [
        "",
        "app",
        "app set a",
        "app settings a",
        "app settings a --tokens 002",
        "app settings a --history -1",
        "app create x --services cinema",
        "app create x --status on",
        "app show no/name",
        "app secret a --keep-previous 1h --drop-previous",
        "app secret a --keep-previous 200years",
        "group mute a g bob smell x",
        "group kick a g bob --ban 0s",
        "ban a bob --for tomorrow",
        "ban a b.o.b",
        "revoke a",
        "revoke a --token t --user bob",
        "revoke a --issued-before yesterday",
        "invite a g",
        "online",
        "drain",
        "drain ../apps",
    ] {
        assert!(parse(arguments).is_err(), "{arguments}");
    }
}
