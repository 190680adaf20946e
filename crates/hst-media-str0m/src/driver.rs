use std::io;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    command::Command,
    connection::Connection,
    network::{Network, NewsReceiver},
    order::PipeId,
    pipe::News,
};

/// The longest datagram that is read whole; a longer one is none of ours.
const DATAGRAM: usize = 2048;
/// How many datagrams are read in one go before commands get their turn.
const BATCH: usize = 64;

/// The one task of a peer: it owns the connection and its sockets. It ends when the peer is closed or dropped, or the
/// connection is over.
pub(crate) async fn run(
    mut connection: Connection,
    mut network: Network,
    mut news: NewsReceiver,
    mut commands: mpsc::Receiver<Command>,
) {
    let mut buffer = [0; DATAGRAM];
    // The runtime takes a fresh socket for a full one until it has looked, and the first datagrams must not be lost.
    let _ = network.udp.writable().await;
    while connection.is_alive() {
        send(&mut connection, &mut network);
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Close { reply }) => {
                    close(&mut connection, &mut network);
                    // The caller may have gone.
                    let _ = reply.send(());
                    return;
                }
                Some(command) => handle(&mut connection, command),
                None => break,
            },
            ready = network.udp.readable() => {
                if ready.is_ok() {
                    receive(&mut connection, &network, &mut buffer);
                }
            }
            Some((pipe, news)) = news.recv() => tell(&mut connection, pipe, news),
            () = sleep_until(connection.poll_timeout()) => connection.handle_timeout(Instant::now()),
        }
    }
    close(&mut connection, &mut network);
}

fn handle(connection: &mut Connection, command: Command) {
    let now = Instant::now();
    match command {
        // Whoever asked may have gone; then the peer is about to be dropped.
        Command::Offer {
            sections,
            restart_ice,
            reply,
        } => _ = reply.send(connection.offer(now, sections, restart_ice)),
        Command::Answer { sdp, lines, reply } => _ = reply.send(connection.answer(now, &sdp, lines)),
        Command::Stop { mid } => connection.stop(mid),
        Command::Write { mid, pt, packets } => connection.write(now, mid, pt, packets),
        Command::Close { .. } => unreachable!("the loop takes it itself"),
    }
}

fn tell(connection: &mut Connection, pipe: PipeId, news: News) {
    let now = Instant::now();
    match news {
        News::Opened(local) => connection.pipe_opened(now, pipe, local),
        News::Message(bytes) => connection.pipe_received(now, pipe, bytes),
        News::Ended => connection.pipe_ended(now, pipe),
    }
}

fn receive(connection: &mut Connection, network: &Network, buffer: &mut [u8]) {
    for _ in 0..BATCH {
        match network.udp.try_recv_from(buffer) {
            Ok((len, source)) => connection.receive(Instant::now(), source, &buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // What an earlier datagram came back with.
            Err(_) => {}
        }
    }
}

fn send(connection: &mut Connection, network: &mut Network) {
    while let Some(transmit) = connection.poll_transmit() {
        // What the system does not take is lost, as any datagram may be.
        for &destination in connection.destinations(&transmit) {
            let _ = network.udp.try_send_to(&transmit.contents, destination);
        }
    }
    while let Some(order) = connection.poll_order() {
        network.carry_out(order);
    }
}

fn close(connection: &mut Connection, network: &mut Network) {
    connection.close(Instant::now());
    send(connection, network);
}
