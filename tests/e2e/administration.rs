//! `hst admin` against a server with people in it.

use hst_rtc::{Event, GroupEvent};
use hst_server::DEV_APP_ID;
use hst_tests::house::{Door, House, Member, within};
use serde_json::Value;
use tokio::process::Command;

use crate::command_line::program;

/// Somebody who administers the house from a terminal.
struct Developer {
    server: String,
    id: String,
    secret: String,
}

impl Developer {
    fn of(house: &House) -> Self {
        let developer = house.server.new_developer().unwrap();
        Self {
            server: house.access_url(),
            id: developer.id.to_string(),
            secret: developer.secret.reveal().to_owned(),
        }
    }

    /// What the command prints, or the words with which it fails.
    async fn hst(&self, arguments: &str) -> Result<String, String> {
        let mut command = Command::new(program("hst"));
        command
            .arg("admin")
            .args(arguments.split(' '))
            .env("HST_SERVER", &self.server)
            .env("HST_DEVELOPER", &self.id)
            .env("HST_DEVELOPER_SECRET", &self.secret)
            .env(
                "HST_WEBHOOK_SECRET",
                "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
            )
            .env_remove("HST_ACCESS_TOKEN")
            .kill_on_drop(true);
        let output = within(arguments, command.output()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
        match output.status.success() {
            true => Ok(text(output.stdout)),
            false => Err(text(output.stderr)),
        }
    }

    async fn json(&self, arguments: &str) -> Value {
        let text = self.hst(&format!("{arguments} --json")).await.unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_made_changed_and_deleted_from_a_terminal() {
    let house = House::open(Door::WebSocket).await;
    let developer = Developer::of(&house);
    let app = developer.json("app create Meetings --services audio,messages").await;
    let id = app["app_id"].as_str().unwrap();
    assert_eq!(
        (&app["app_name"], &app["status"]),
        (&"Meetings".into(), &"offline".into())
    );

    let list = developer.hst("app list").await.unwrap();
    assert!(list.contains(DEV_APP_ID) && list.contains(id), "{list}");
    developer
        .hst(&format!("app set {id} --status online --name Talks"))
        .await
        .unwrap();
    let shown = developer.json(&format!("app show {id}")).await;
    assert_eq!((&shown["name"], &shown["online"]), (&"Talks".into(), &true.into()));
    let renewed = developer.json(&format!("app secret {id}")).await;
    assert_ne!(renewed["secret"], app["app_secret"]);
    assert!(renewed["previous_until"].is_u64());
    developer
        .hst(&format!("app secret {id} --drop-previous"))
        .await
        .unwrap();

    let settings = format!("app settings {id} --login replace --history 7 --webhook https://app.example.com/hook");
    let settled = developer.json(&settings).await;
    assert_eq!((&settled["login"], &settled["history"]), (&"replace".into(), &7.into()));
    assert_eq!(settled["webhook"], "https://app.example.com/hook");

    developer.hst(&format!("app delete {id}")).await.unwrap();
    let gone = developer.hst(&format!("app show {id}")).await.unwrap_err();
    assert!(
        gone.contains("606000100") && gone.contains("hst admin app list"),
        "{gone}"
    );
    let fixed = developer.hst(&format!("app delete {DEV_APP_ID}")).await.unwrap_err();
    assert!(fixed.contains("configuration"), "{fixed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_governed_from_a_terminal() {
    let house = House::open(Door::WebSocket).await;
    let developer = Developer::of(&house);
    let mut bob = house.member("bob", "g").await;
    assert_eq!(developer.hst(&format!("groups {DEV_APP_ID}")).await.unwrap(), "g");
    let online = developer.json(&format!("online {DEV_APP_ID}")).await;
    assert_eq!(online["terminals"][0]["user"], "bob");

    assert_eq!(
        developer.hst(&format!("group lock {DEV_APP_ID} g")).await.unwrap(),
        "done"
    );
    let group = developer.json(&format!("group show {DEV_APP_ID} g")).await;
    assert_eq!(
        (&group["members"], &group["locked"]),
        (&serde_json::json!(["bob"]), &true.into())
    );
    developer
        .hst(&format!("group lock {DEV_APP_ID} g --off"))
        .await
        .unwrap();

    developer
        .hst(&format!("ban {DEV_APP_ID} ann --for 1h --reason spam"))
        .await
        .unwrap();
    let bans = developer.hst(&format!("bans {DEV_APP_ID}")).await.unwrap();
    assert!(
        bans.starts_with("USER  GROUP  UNTIL") && bans.ends_with("spam"),
        "{bans}"
    );
    developer.hst(&format!("unban {DEV_APP_ID} ann")).await.unwrap();
    assert_eq!(developer.hst(&format!("bans {DEV_APP_ID}")).await.unwrap(), "none");

    let invited = developer.hst(&format!("invite {DEV_APP_ID} g bob ann")).await.unwrap();
    assert_eq!(invited, "not online: ann");
    assert_eq!(
        developer.hst(&format!("message {DEV_APP_ID} bob hello")).await.unwrap(),
        "terminals  1"
    );
    hears(&mut bob, |event| matches!(event, Event::Invited(_))).await;
    hears(&mut bob, |event| matches!(event, Event::ServerMessage(_))).await;
    developer.hst(&format!("revoke {DEV_APP_ID} --user ann")).await.unwrap();

    developer.hst(&format!("group kick {DEV_APP_ID} g bob")).await.unwrap();
    hears(&mut bob, |event| matches!(event, Event::Group(GroupEvent::Removed(_)))).await;
    let empty = developer.hst(&format!("group close {DEV_APP_ID} g")).await.unwrap_err();
    assert!(empty.contains("606000102"), "{empty}");
    developer.hst(&format!("kickout {DEV_APP_ID} bob")).await.unwrap();
    assert_eq!(developer.hst(&format!("online {DEV_APP_ID}")).await.unwrap(), "none");
}

/// Waits until a member is told this.
async fn hears(member: &mut Member, what: impl Fn(&Event) -> bool) {
    let heard = async { while !what(&member.events.recv().await.unwrap()) {} };
    within("what the developer does", heard).await;
}
