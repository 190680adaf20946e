//! What fits into a packet.

mod house;

use house::{Node, link_over, pair, thin::thin_path};
use hst_link::{ALWAYS_FITS, ConnectError, SendDatagramError};

#[tokio::test]
async fn a_packet_of_1200_bytes_with_its_header_fits_wherever_a_link_stands() {
    let (dialler, mut answerer) = (Node::new("n1"), Node::new("n2"));
    let entrance = thin_path(1280, answerer.address()).await;
    let (mut one, mut two) = link_over(&dialler, &mut answerer, entrance).await;
    for number in 0..100_u8 {
        let datagram = vec![number; ALWAYS_FITS];
        one.datagram_sender.send(datagram.clone().into()).expect("it fits");
        assert_eq!(two.datagram_receiver.recv().await.expect("it arrives"), datagram);
        two.datagram_sender.send(datagram.clone().into()).expect("it fits");
        assert_eq!(one.datagram_receiver.recv().await.expect("it arrives"), datagram);
    }
}

#[tokio::test]
async fn a_path_that_is_too_thin_for_it_gets_no_link() {
    let (dialler, mut answerer) = (Node::new("n1"), Node::new("n2"));
    let entrance = thin_path(1279, answerer.address()).await;
    let peer = answerer.name.clone();
    tokio::time::pause();
    let error = house::turning_away(&mut answerer, dialler.links.connect(&peer, entrance)).await;
    assert_eq!(error.expect_err("it is too thin"), ConnectError::Timeout);
}

#[tokio::test]
async fn a_datagram_that_does_not_fit_is_refused_and_the_link_goes_on() {
    let (mut one, mut two) = pair().await;
    let error = one.datagram_sender.send(vec![0; 2000].into()).unwrap_err();
    let max = one.datagram_sender.max();
    assert_eq!(error, SendDatagramError::TooLarge { len: 2000, max });
    one.datagram_sender.send("next".into()).unwrap();
    assert_eq!(two.datagram_receiver.recv().await.unwrap(), "next");
    assert_eq!(one.handle.figures().datagrams_offered, 1);
}
