use hst_auth::UserId;
use hst_proto::{
    Command, GOT_EVERY, HEARTBEAT, Login, Reply, Request, RequestId, ServerFrame, VERSION, decode_server,
    encode_client, encode_got,
};
use hst_rtc::{TerminalType, signal::SignalConnection};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{BenchError, target::Target};
use crate::error::CliError;

/// A user over a connection of his own, as thin as a client can be that keeps to the protocol.
pub(super) struct Wire {
    connection: SignalConnection,
    last_id: RequestId,
    /// The last frame that came, and the last one that the server was told of.
    got: u64,
    confirmed: u64,
}

impl Wire {
    /// Connects and logs in.
    pub(super) async fn login(target: &Target, user: &UserId) -> Result<Self, CliError> {
        let login = Login {
            protocol: VERSION,
            app: target.app().to_string(),
            token: target.token(user)?,
            user: user.to_string(),
            terminal: TerminalType::default(),
            company: String::new(),
            force: false,
            extend_info: String::new(),
            previous: None,
        };
        let mut wire = Self {
            connection: target.connect().await?,
            last_id: 0,
            got: 0,
            confirmed: 0,
        };
        wire.ask(Command::Login(login)).await?;
        Ok(wire)
    }

    /// Asks something and waits for the answer; what comes before it is passed over.
    pub(super) async fn ask(&mut self, command: Command) -> Result<Reply, BenchError> {
        let id = self.send(command).await?;
        loop {
            let frame = self.connection.receiver.recv().await?;
            self.count(&frame);
            match decode_server(&frame).map_err(|_| BenchError::NotProtocol)? {
                ServerFrame::Reply { re, result, .. } if re == id => return result.map_err(BenchError::Refused),
                _ => {}
            }
        }
    }

    /// Stays, shows every frame, and gives the signs of life that the protocol asks for, until the connection ends.
    pub(super) async fn stay(mut self, mut see: impl FnMut(&[u8])) -> BenchError {
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                frame = self.connection.receiver.recv() => match frame {
                    Ok(frame) => {
                        see(&frame);
                        self.count(&frame);
                        match self.got - self.confirmed >= GOT_EVERY {
                            true => self.confirm().await,
                            false => Ok(()),
                        }
                    }
                    Err(end) => Err(end.into()),
                },
                _ = heartbeat.tick() => self.beat().await,
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn beat(&mut self) -> Result<(), BenchError> {
        match self.got > self.confirmed {
            true => self.confirm().await,
            false => self.send(Command::Ping {}).await.map(drop),
        }
    }

    async fn confirm(&mut self) -> Result<(), BenchError> {
        self.confirmed = self.got;
        Ok(self.connection.sender.send(encode_got(self.got)).await?)
    }

    async fn send(&mut self, command: Command) -> Result<RequestId, BenchError> {
        self.last_id += 1;
        let id = self.last_id;
        let frame = encode_client(&Request { id, command });
        self.connection.sender.send(frame).await?;
        Ok(id)
    }

    fn count(&mut self, frame: &[u8]) {
        self.got = number(frame).unwrap_or(self.got);
    }
}

/// A frame's own number, by a glance: it stands at the beginning, and whoever measures must not be slower than what is
/// measured.
fn number(frame: &[u8]) -> Option<u64> {
    let digits = frame.strip_prefix(b"{\"seq\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use hst_proto::{encode_event, encode_reply, frame_event, number_reply};

    use super::*;

    #[test]
    fn the_number_of_a_frame_is_seen() {
        let event = encode_event(&hst_proto::Event::Locked { locked: true });
        let reply = encode_reply(7, Reply::Done {});
        assert_eq!(number(&frame_event(Some(12), &event)), Some(12));
        assert_eq!(number(&number_reply(345, &reply)), Some(345));
        assert_eq!(number(&frame_event(None, &event)), None);
        assert_eq!(number(&reply), None);
    }
}
