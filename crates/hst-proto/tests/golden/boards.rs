use hst_id::MediaId;
use hst_proto::{
    ActId, BoardAct, BoardPage, BoardPart, ClientFrame, Command, Draw, Drawing, Drawn, Event, Figure, FigureKind,
    NewBoard, Reply, Request, ServerFrame, Sketch, Sketched, decode_client, decode_server, encode_client, encode_event,
    encode_reply, frame_event,
};

use crate::user;

fn board() -> MediaId {
    MediaId::parse("whiteboard1").unwrap()
}

fn curve() -> Figure {
    Figure {
        kind: FigureKind::Curve,
        page: 1,
        color: 0xff_00_00,
        size: 20,
        points: vec![100, 50, 3, -4],
        text: String::new(),
    }
}

fn text() -> Figure {
    Figure {
        kind: FigureKind::Text,
        page: 0,
        color: 0,
        size: 180,
        points: vec![0, 0],
        text: "hi".into(),
    }
}

fn draw(act: BoardAct) -> Command {
    Command::Draw(Draw {
        board: board(),
        n: 3,
        act,
    })
}

fn bobs(n: u32) -> ActId {
    ActId { by: user("bob"), n }
}

#[test]
fn every_command_of_boards_has_its_pinned_bytes() {
    let page = BoardPage {
        image: "https://a/1.png".into(),
    };
    let cases = [
        (
            Command::CreateBoard(NewBoard {
                name: "plan".into(),
                width: 1280,
                height: 768,
                pages: vec![page.clone()],
            }),
            r#"{"create_board":{"name":"plan","width":1280,"height":768,"pages":[{"image":"https://a/1.png"}]}}"#,
        ),
        (
            Command::DeleteBoard { board: board() },
            r#"{"delete_board":{"board":"whiteboard1"}}"#,
        ),
        (
            Command::OpenBoard {
                board: board(),
                after: None,
            },
            r#"{"open_board":{"board":"whiteboard1"}}"#,
        ),
        (
            Command::OpenBoard {
                board: board(),
                after: Some(7),
            },
            r#"{"open_board":{"board":"whiteboard1","after":7}}"#,
        ),
        (
            Command::CloseBoard { board: board() },
            r#"{"close_board":{"board":"whiteboard1"}}"#,
        ),
        (
            draw(BoardAct::Add(curve())),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"add":{"kind":"curve","page":1,"color":16711680,"size":20,"points":[100,50,3,-4]}}}}"#,
        ),
        (
            draw(BoardAct::Add(text())),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"add":{"kind":"text","size":180,"points":[0,0],"text":"hi"}}}}"#,
        ),
        (
            draw(BoardAct::Move {
                figures: vec![bobs(2)],
                dx: -5,
                dy: 6,
            }),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"move":{"figures":[{"by":"bob","n":2}],"dx":-5,"dy":6}}}}"#,
        ),
        (
            draw(BoardAct::Erase { figures: vec![bobs(2)] }),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"erase":{"figures":[{"by":"bob","n":2}]}}}}"#,
        ),
        (
            draw(BoardAct::Hide { figure: 2 }),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"hide":{"figure":2}}}}"#,
        ),
        (
            draw(BoardAct::Restore { act: 2 }),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"restore":{"act":2}}}}"#,
        ),
        (
            draw(BoardAct::Forget {}),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"forget":{}}}}"#,
        ),
        (
            draw(BoardAct::Clear { page: 0 }),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"clear":{"page":0}}}}"#,
        ),
        (
            draw(BoardAct::AddPage(BoardPage::default())),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"add_page":{}}}}"#,
        ),
        (
            draw(BoardAct::SetPage { page: 1 }),
            r#"{"draw":{"board":"whiteboard1","n":3,"act":{"set_page":{"page":1}}}}"#,
        ),
        (
            Command::Sketch(Sketch {
                board: board(),
                n: 1,
                figure: curve(),
            }),
            r#"{"sketch":{"board":"whiteboard1","n":1,"figure":{"kind":"curve","page":1,"color":16711680,"size":20,"points":[100,50,3,-4]}}}"#,
        ),
    ];
    for (command, text) in cases {
        let text = format!(r#"{{"id":1,"do":{text}}}"#);
        let request = Request { id: 1, command };
        assert_eq!(encode_client(&request), text);
        assert_eq!(decode_client(text.as_bytes()).unwrap(), ClientFrame::Request(request));
    }
}

#[test]
fn every_event_of_boards_has_its_pinned_bytes() {
    let cases = [
        (
            Event::Drawn(Drawn {
                board: board(),
                by: user("bob"),
                n: 4,
                act: BoardAct::Clear { page: 0 },
            }),
            r#"{"drawn":{"board":"whiteboard1","by":"bob","n":4,"act":{"clear":{"page":0}}}}"#,
        ),
        (
            Event::Sketched(Sketched {
                by: user("bob"),
                sketch: Sketch {
                    board: board(),
                    n: 1,
                    figure: text(),
                },
            }),
            r#"{"sketched":{"by":"bob","board":"whiteboard1","n":1,"figure":{"kind":"text","size":180,"points":[0,0],"text":"hi"}}}"#,
        ),
    ];
    for (event, text) in cases {
        let text = format!(r#"{{"seq":7,"ev":{text}}}"#);
        assert_eq!(frame_event(Some(7), &encode_event(&event)), text);
        let frame = ServerFrame::Event { seq: Some(7), event };
        assert_eq!(decode_server(text.as_bytes()).unwrap(), frame);
    }
}

#[test]
fn every_reply_of_boards_has_its_pinned_bytes() {
    let part = BoardPart {
        name: String::new(),
        width: 1280,
        height: 768,
        pages: vec![BoardPage::default()],
        page: 0,
        own: 2,
        writable: true,
        figures: vec![Drawing {
            id: bobs(2),
            gone: Some(bobs(5)),
            figure: curve(),
        }],
        next: Some(7),
    };
    let cases = [
        (
            Reply::BoardCreated { board: board() },
            r#"{"board_created":{"board":"whiteboard1"}}"#,
        ),
        (
            Reply::Board(part),
            r#"{"board":{"width":1280,"height":768,"pages":[{}],"page":0,"own":2,"writable":true,"figures":[{"by":"bob","n":2,"gone":{"by":"bob","n":5},"kind":"curve","page":1,"color":16711680,"size":20,"points":[100,50,3,-4]}],"next":7}}"#,
        ),
    ];
    for (reply, text) in cases {
        let text = format!(r#"{{"re":9,"ok":{text}}}"#);
        assert_eq!(encode_reply(9, reply.clone()), text);
        let frame = ServerFrame::Reply {
            re: 9,
            seq: None,
            result: Ok(reply),
        };
        assert_eq!(decode_server(text.as_bytes()).unwrap(), frame);
    }
}
