//! `AnyTransport` over mocks of the seam.

use std::sync::Arc;

use hst_signal::{AnyTransport, ConnectError, Limits, SignalTransport, memory, mock::MockSignalTransport};

fn answering(answer: impl Fn() -> ConnectError + Send + 'static) -> Arc<MockSignalTransport> {
    let mut transport = MockSignalTransport::new();
    transport.expect_connect().times(1).returning(move |_| Err(answer()));
    Arc::new(transport)
}

fn never_asked() -> Arc<MockSignalTransport> {
    Arc::new(MockSignalTransport::new())
}

#[tokio::test]
async fn the_next_is_asked_until_one_knows_the_scheme() {
    let mut speaks = MockSignalTransport::new();
    speaks
        .expect_connect()
        .withf(|url| url == "x://host")
        .times(1)
        .returning(|_| Ok(memory::pair(Limits::default()).0));
    let any = AnyTransport::new(vec![
        answering(|| ConnectError::Unsupported),
        Arc::new(speaks),
        never_asked(),
    ]);
    assert!(any.connect("x://host").await.is_ok());
}

#[tokio::test]
async fn any_other_error_is_the_answer() {
    let any = AnyTransport::new(vec![answering(|| ConnectError::Timeout), never_asked()]);
    assert!(matches!(any.connect("x://host").await, Err(ConnectError::Timeout)));
}

#[tokio::test]
async fn a_scheme_that_none_knows_is_unsupported() {
    let any = AnyTransport::new(vec![
        answering(|| ConnectError::Unsupported),
        answering(|| ConnectError::Unsupported),
    ]);
    assert!(matches!(any.connect("x://host").await, Err(ConnectError::Unsupported)));
    assert!(matches!(
        AnyTransport::new(vec![]).connect("x://host").await,
        Err(ConnectError::Unsupported)
    ));
}
