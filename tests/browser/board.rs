//! White boards between browsers.

use std::time::Duration;

use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::{bare_page, server};

const GROUP: &str = "boards";
/// How long pages may take until they show the same.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many figures a full board has.
const MANY: usize = 5_000;

/// A page with somebody at the board.
async fn person(browser: &Browser, server: &hst_server::RunningServer, user: &str) -> Page {
    let page = bare_page(browser, server).await;
    page.run(include_str!("board.js"), vec![json!(user), json!(GROUP)])
        .await;
    page
}

async fn run(page: &Page, script: &str) -> Value {
    page.run(script, Vec::new()).await
}

/// Everything that was drawn before this has come to the page: it comes in the order of the group, as messages do.
async fn catch_up(page: &Page) {
    run(page, "await engine.sendGroupMsg({ msg: 'done' })").await;
}

/// Waits until all pages show one picture for which the condition holds, and gives it.
async fn agree(pages: &[&Page], what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for page in pages.iter().chain(pages) {
        catch_up(page).await;
    }
    let mut last = Vec::new();
    let agreed = async {
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let mut now = Vec::new();
            for page in pages {
                now.push(run(page, "return picture()").await);
            }
            last = now;
            let [first, others @ ..] = &last[..] else {
                panic!("no pages")
            };
            if !first.is_null() && holds(first) && others.iter().all(|other| other == first) {
                return first.clone();
            }
        }
    };
    let agreed = timeout(PATIENCE, agreed).await;
    agreed.unwrap_or_else(|_| panic!("{what}: the pages never showed the same: {last:?}"))
}

fn ink(picture: &Value) -> u64 {
    picture["ink"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_draw_on_one_board_and_who_comes_late_sees_the_same_pixels() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let (ann, ben) = tokio::join!(person(&browser, &server, "ann"), person(&browser, &server, "ben"));
    run(
        &ann,
        "const id = await engine.createWhiteBoard({ board_name: 'ann:Blank1' });
         engine.startPublishMedia(4, id);",
    )
    .await;
    for page in [&ann, &ben] {
        page.wait_until("window.added && board.edit()").await;
        let added = run(page, "return added").await;
        let expected = json!({
            "userId": "ann", "mediaType": 4, "mediaId": "whiteboard1",
            "mediaName": "ann:Blank1", "totalPage": 1, "curPage": 0,
        });
        assert_eq!(added, expected);
    }

    // All that can be drawn, by both at once.
    run(
        &ann,
        "board.toolType('curve'); board.brushSize('4'); board.brushColor('#ff0000');
         stroke([20, 20], [60, 80], [120, 30], [200, 200], [300, 60]);
         board.toolType('ellipse'); stroke([350, 50], [500, 150]);
         board.toolType('text'); stroke([40, 300]);
         const field = document.querySelector('textarea');
         field.value = 'hello'; field.dispatchEvent(new Event('blur'));",
    )
    .await;
    run(
        &ben,
        "board.toolType('rect'); board.brushColor('#0000ff'); stroke([100, 100], [260, 220]);
         board.toolType('line'); stroke([300, 300], [600, 350]); stroke([300, 350], [600, 300]);",
    )
    .await;
    let pages = [&ann, &ben];
    let all = agree(&pages, "drawing", |picture| ink(picture) > 3_000).await;

    // Ben takes his last line back, and then gives it again.
    run(&ben, "board.revoke()").await;
    let less = agree(&pages, "revoke", |picture| ink(picture) < ink(&all)).await;
    run(&ben, "board.restore()").await;
    assert_eq!(
        agree(&pages, "restore", |picture| picture["hash"] != less["hash"]).await,
        all
    );

    // Ann moves Ben's rectangle and erases his first line.
    run(
        &ann,
        "board.toolType('gmov'); stroke([100, 160], [90, 170], [60, 190]);
         board.toolType('eraser'); stroke([330, 305]);",
    )
    .await;
    let changed = agree(&pages, "moving and erasing", |picture| ink(picture) < ink(&all)).await;
    run(&ann, "board.revoke()").await;
    let moved = agree(&pages, "undoing that she erased", |picture| *picture != changed).await;
    run(&ann, "board.revoke()").await;
    assert_eq!(
        agree(&pages, "undoing that she moved", |picture| *picture != moved).await,
        all
    );
    run(&ann, "board.restore(); board.restore()").await;
    agree(&pages, "moving and erasing again", |picture| *picture == changed).await;

    // A second page, for everybody, and back.
    run(&ben, "board.addPage(); ").await;
    ann.wait_until("board.pageCount() === 2").await;
    run(&ann, "board.page(1)").await;
    let blank = agree(&pages, "another page", |picture| picture["page"] == 1).await;
    assert_eq!(ink(&blank), 0);
    assert_eq!(run(&ben, "return turned").await, json!([1]));
    run(&ben, "board.toolType('curve'); stroke([10, 10], [100, 100], [200, 10])").await;
    let second = agree(&pages, "drawing on it", |picture| ink(picture) > 100).await;

    // Cid comes late, and finds both pages as they are.
    let cid = person(&browser, &server, "cid").await;
    cid.wait_until("window.added").await;
    assert_eq!(
        run(&cid, "return [added.totalPage, added.curPage]").await,
        json!([2, 1])
    );
    let pages = [&ann, &ben, &cid];
    assert_eq!(
        agree(&pages, "coming late", |picture| picture["page"] == 1).await,
        second
    );
    run(&cid, "board.page('0')").await;
    let first = agree(&pages, "turning back", |picture| picture["page"] == 0).await;
    assert_eq!(first["hash"], changed["hash"]);

    run(&cid, "board.clear()").await;
    let is_blank = |picture: &Value| picture["page"] == 0 && ink(picture) == 0;
    agree(&pages, "clearing", is_blank).await;
    run(&cid, "board.revoke()").await;
    assert_eq!(agree(&pages, "undoing that", |picture| ink(picture) > 0).await, first);
    run(&cid, "board.restore()").await;
    agree(&pages, "clearing again", is_blank).await;

    // Its maker goes, and the board stays; then anybody may close it.
    run(&ann, "await engine.leaveGroup()").await;
    run(&cid, "stroke([10, 10], [50, 50])").await;
    agree(&[&ben, &cid], "drawing without its maker", |picture| ink(picture) > 0).await;
    for page in [&ben, &cid] {
        assert_eq!(run(page, "return errors").await, json!([]));
    }
    run(&cid, "engine.closeWhiteBoard('whiteboard1')").await;
    for page in [&ben, &cid] {
        page.wait_until("window.ended === 'whiteboard1' && engine.getWhiteBoard('whiteboard1') === null")
            .await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mouse_draws_also_when_it_leaves_the_board_and_keys_write() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let (ann, ben) = tokio::join!(person(&browser, &server, "ann"), person(&browser, &server, "ben"));
    run(
        &ann,
        "const id = await engine.createWhiteBoard({ board_name: 'ann:Blank1' });
         engine.startPublishMedia(4, id);",
    )
    .await;
    for page in [&ann, &ben] {
        page.wait_until("window.added && board.edit()").await;
    }
    let pages = [&ann, &ben];

    run(&ann, "board.toolType('curve'); board.brushSize('4')").await;
    // The last place is beside the board, which is 640 pixels wide.
    ann.drag(&[[50, 50], [300, 200], [100, 300], [700, 350]]).await;
    let drawn = agree(&pages, "dragging", |picture| ink(picture) > 2_000).await;

    run(&ann, "board.toolType('text')").await;
    ann.drag(&[[400, 100]]).await;
    for letter in "hello".chars() {
        ann.press(letter).await;
    }
    // Wherever else he clicks, it is written.
    ann.drag(&[[400, 300]]).await;
    let written = agree(&pages, "writing", |picture| ink(picture) > ink(&drawn)).await;
    run(&ann, "board.revoke()").await;
    assert_eq!(agree(&pages, "revoke", |picture| *picture != written).await, drawn);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_fits_its_element_in_three_ways_and_follows_its_size() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = person(&browser, &server, "ann").await;
    run(
        &page,
        "const id = await engine.createWhiteBoard({ board_name: 'b', width: 1000, height: 500 });
         engine.startPublishMedia(4, id);",
    )
    .await;
    page.wait_until("window.added").await;
    let size = "const { width, height } = document.querySelector('canvas').getBoundingClientRect();
                return [Math.round(width), Math.round(height)]";
    // The element has 640 by 384 pixels.
    assert_eq!(run(&page, size).await, json!([640, 320]));
    for (mode, percent, expected) in [
        ("'3'", "'50'", [500, 250]),
        ("NaN", "0", [640, 320]),
        ("2", "0", [768, 384]),
    ] {
        run(
            &page,
            &format!("engine.setWhiteBoardDisplayMode(null, {mode}, {percent})"),
        )
        .await;
        assert_eq!(run(&page, size).await, json!(expected), "{mode}");
    }
    run(&page, "engine.setWhiteBoardDisplayMode(added.mediaId, 1)").await;
    run(
        &page,
        "document.querySelector('canvas').closest('div').parentElement.style.width = '320px'",
    )
    .await;
    page.wait_until("Math.round(document.querySelector('canvas').getBoundingClientRect().width) === 320")
        .await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_of_5000_figures_is_drawn_on_without_painting_them_again() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    let figures = page.run(include_str!("board_figures.js"), vec![json!(MANY)]).await;
    let sorted = |name: &str| {
        let list = figures[name].as_array().unwrap();
        let mut list: Vec<_> = list.iter().map(|ms| ms.as_f64().unwrap()).collect();
        list.sort_by(f64::total_cmp);
        list
    };
    let first = figures["first"].as_f64().unwrap();
    println!("{MANY} figures are painted in {first:.0} ms");
    for (name, what) in [
        ("frames", "from frame to frame while drawing"),
        ("costs", "script of a frame"),
        ("mends", "erasing one of them"),
    ] {
        let list = sorted(name);
        let (p50, p95) = (list[list.len() / 2], list[list.len() * 95 / 100]);
        println!("{what}: p50 {p50:.1} ms, p95 {p95:.1} ms of {}", list.len());
    }
    // A stroke does not cost what all cost, however busy the machine is.
    let costs = sorted("costs");
    assert!(
        costs[costs.len() / 2] < first / 4.0,
        "a frame costs as much as everything"
    );
    server.shutdown().await;
}
