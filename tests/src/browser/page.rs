use std::time::Duration;

use fantoccini::{
    Client, Locator,
    actions::{InputSource as _, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction},
};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long a page may take to come to what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const TICK: Duration = Duration::from_millis(50);
/// What a page shows, what stands in its fields, and its address.
const SHOWN: &str = "
    const fields = [...document.querySelectorAll('input, textarea')].map(({ id, value }) => [id, value]);
    const { told, added } = window;
    return [document.body.innerText, Object.fromEntries(fields), location.href, { told, added }]";

/// A page in a browser of its own.
#[derive(Debug)]
pub struct Page {
    client: Client,
}

impl Page {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Opens another address.
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page loads");
    }

    /// Gives the window another size, in pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        let resized = self.client.set_window_size(width, height).await;
        resized.expect("a window has any size");
    }

    /// Runs the body of an asynchronous JavaScript function, whose arguments are in `args`, and gives what it returns.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn run(&self, body: &str, args: Vec<Value>) -> Value {
        let script = format!("const args = arguments; return (async () => {{ {body}\n }})()");
        match self.client.execute(&script, args).await {
            Ok(value) => value,
            Err(error) => panic!("{error}\nin the script:\n{body}"),
        }
    }

    /// Waits until a JavaScript expression is true. While something it reads is not there yet (a `TypeError`), it is not.
    ///
    /// # Panics
    /// When it is not within 30 s.
    pub async fn wait_until(&self, expression: &str) {
        let body = format!(
            "try {{ return !!({expression}) }} catch (error) {{ if (error instanceof TypeError) return false; throw error }}"
        );
        let asked = async {
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if self.run(&body, Vec::new()).await == true {
                    return;
                }
            }
        };
        if timeout(PATIENCE, asked).await.is_err() {
            let shown = self.run(SHOWN, Vec::new()).await;
            panic!("the page never came to: {expression}\nIt shows: {shown}");
        }
    }

    /// Hides it: its window is made an icon.
    pub async fn hide(&self) {
        self.client.minimize_window().await.expect("a window can be minimised");
        self.wait_until("document.visibilityState === 'hidden'").await;
    }

    /// Shows it again.
    pub async fn unhide(&self) {
        self.client.maximize_window().await.expect("a window can be maximised");
        self.wait_until("document.visibilityState === 'visible'").await;
    }

    /// Clicks like a user: on what can be seen.
    pub async fn click(&self, selector: &str) {
        let element = self.client.find(Locator::Css(selector)).await;
        let clicked = match element {
            Ok(element) => element.click().await,
            Err(error) => Err(error),
        };
        clicked.unwrap_or_else(|error| panic!("{selector} cannot be clicked: {error}"));
    }

    /// Presses a key like a user.
    pub async fn press(&self, key: char) {
        let keys = [KeyAction::Down { value: key }, KeyAction::Up { value: key }];
        let keys = keys
            .into_iter()
            .fold(KeyActions::new("keys".to_owned()), KeyActions::then);
        self.client.perform_actions(keys).await.expect("the key can be pressed");
    }

    /// Drags the mouse from place to place with its button down, like a user: each in pixels of the window.
    pub async fn drag(&self, places: &[[i64; 2]]) {
        let mouse = MouseActions::new("mouse".to_owned());
        let down = PointerAction::Down {
            button: MOUSE_BUTTON_LEFT,
        };
        let up = PointerAction::Up {
            button: MOUSE_BUTTON_LEFT,
        };
        let mut way = places.iter().map(|&[x, y]| PointerAction::MoveTo {
            duration: None,
            x: x as f64,
            y: y as f64,
        });
        let first = way.next().expect("a way has a beginning");
        let actions = [first, down].into_iter().chain(way).chain([up]);
        let mouse = actions.fold(mouse, MouseActions::then);
        self.client
            .perform_actions(mouse)
            .await
            .expect("the mouse can be moved");
    }

    /// Types into a field, in place of what it holds.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let typed = async {
            let field = self.client.find(Locator::Css(selector)).await?;
            field.clear().await?;
            field.send_keys(text).await
        };
        if let Err(error) = typed.await {
            panic!("{selector} cannot be typed into: {error}");
        }
    }
}
