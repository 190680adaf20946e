use std::time::Duration;

use fantoccini::{Client, Locator};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long a page may take to come to what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const TICK: Duration = Duration::from_millis(50);

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

    /// Waits until a JavaScript expression is true.
    ///
    /// # Panics
    /// When it is not within 30 s.
    pub async fn wait_until(&self, expression: &str) {
        let body = format!("return !!({expression})");
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
            let text = self.run("return document.body.innerText", Vec::new()).await;
            panic!("the page never came to: {expression}\nIt shows: {text}");
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
