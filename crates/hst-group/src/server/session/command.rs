use std::time::{Duration, Instant};

use hst_id::{AppId, GroupId, UserId};
use hst_proto::{
    Command, ErrorCode, Failure, Login, MAX_NAME_TEXT, MAX_SDP, Prepare, Reply, RequestId, Resume, VERSION,
    encode_reply,
};

use super::{CloseWhy, Session, SessionOutput, SignIn, State, UserRequest, not_in_group};
use crate::server::{Governance, GroupRequest};

impl Session {
    pub(super) fn handle_command(&mut self, now: Instant, re: RequestId, command: Command) -> Result<(), Failure> {
        if let State::New { deadline } = self.state {
            return match command {
                Command::Login(login) => self.login(re, login, deadline),
                Command::Resume(resume) => self.resume(re, resume, deadline),
                _ => Err(Failure::new(ErrorCode::SessionNotLoggedIn, "log in first")),
            };
        }
        match command {
            Command::Login(_) | Command::Resume(_) => Err(Failure::new(
                ErrorCode::NotInitialised,
                "this connection is logged in already",
            )),
            Command::Ping {} => {
                self.send(encode_reply(re, Reply::Done {}));
                Ok(())
            }
            Command::Exit {} => {
                self.send(encode_reply(re, Reply::Done {}));
                self.close(CloseWhy::Exit);
                Ok(())
            }
            Command::Renew { token } => self.ask(re, UserRequest::Renew(token)),
            Command::Prepare(prepare) => self.prepare(re, prepare),
            Command::Join { group } => self.join(re, &group),
            Command::Leave {} => {
                self.ask_group(re, GroupRequest::Leave)?;
                self.state = State::Leaving { re };
                Ok(())
            }
            Command::Roster(page) => self.ask_group(re, GroupRequest::Roster(page)),
            Command::Publish {
                media_type,
                media,
                name,
            } => {
                let request = GroupRequest::Publish {
                    media_type,
                    media,
                    name,
                };
                self.ask_group(re, request)
            }
            Command::Unpublish { media_type, media } => {
                self.ask_group(re, GroupRequest::Unpublish { media_type, media })
            }
            Command::Receive(key) => self.ask_group(re, GroupRequest::Receive(key)),
            Command::StopReceive(key) => self.ask_group(re, GroupRequest::StopReceive(key)),
            Command::View { media, height } => self.ask_group(re, GroupRequest::View { media, height }),
            Command::Prioritize { media, priority } => self.ask_group(re, GroupRequest::Prioritize { media, priority }),
            Command::Offer(offer) => self.ask_group(re, GroupRequest::Offer(offer)),
            Command::Message(message) => {
                self.must_be_in_group()?;
                self.pay_message(now, ErrorCode::MulticastLimit)?;
                self.ask_group(re, GroupRequest::Message(message))
            }
            Command::UserMessage { user, body } => {
                self.pay_message(now, ErrorCode::UnicastLimit)?;
                self.ask(re, UserRequest::Message { user, body })
            }
            Command::History { before, limit } => self.ask_group(re, GroupRequest::History { before, limit }),
            Command::CreateBoard(new) => self.ask_group(re, GroupRequest::CreateBoard(new)),
            Command::DeleteBoard { board } => self.ask_group(re, GroupRequest::DeleteBoard(board)),
            Command::OpenBoard { board, after } => self.ask_group(re, GroupRequest::OpenBoard { board, after }),
            Command::CloseBoard { board } => self.ask_group(re, GroupRequest::CloseBoard(board)),
            // Drawing is speaking: both have one limit.
            Command::Draw(draw) => {
                self.must_be_in_group()?;
                self.pay_message(now, ErrorCode::MulticastLimit)?;
                self.ask_group(re, GroupRequest::Draw(draw))
            }
            Command::Sketch(sketch) => {
                self.must_be_in_group()?;
                self.pay_message(now, ErrorCode::MulticastLimit)?;
                self.ask_group(re, GroupRequest::Sketch(sketch))
            }
            Command::Online(page) => self.ask(re, UserRequest::Online(page)),
            Command::Unwatch {} => self.ask(re, UserRequest::Unwatch),
            Command::SetState { state } => {
                check_text("a state", &state)?;
                self.ask(re, UserRequest::SetState(state))
            }
            Command::Invite(invite) => self.ask(re, UserRequest::Invite(invite)),
            Command::AnswerInvite(answer) => self.ask(re, UserRequest::AnswerInvite(answer)),
            Command::CancelInvite(cancel) => self.ask(re, UserRequest::CancelInvite(cancel)),
            Command::Kick { user, ban } => {
                let ban = ban.map(|seconds| Duration::from_secs(seconds.into()));
                self.ask_group(re, GroupRequest::Govern(Governance::Kick { user, ban }))
            }
            Command::Mute { media, muted } => {
                self.ask_group(re, GroupRequest::Govern(Governance::Mute { media, muted }))
            }
            Command::Lock { locked } => self.ask_group(re, GroupRequest::Govern(Governance::Lock { locked })),
        }
    }

    fn login(&mut self, re: RequestId, login: Login, deadline: Instant) -> Result<(), Failure> {
        check_version(login.protocol)?;
        check_text("company and extend_info", &login.company)?;
        check_text("company and extend_info", &login.extend_info)?;
        let user = UserId::parse(&login.user)
            .map_err(|e| Failure::new(ErrorCode::IllegalUserId, format!("the User ID {e}")))?;
        let app =
            AppId::parse(&login.app).map_err(|e| Failure::new(ErrorCode::UnknownApp, format!("the App ID {e}")))?;
        self.state = State::SigningIn { re, deadline };
        let terminal = login.terminal.clone();
        self.outputs.push_back(SessionOutput::SignIn(SignIn {
            app,
            user,
            terminal,
            login,
        }));
        Ok(())
    }

    fn resume(&mut self, re: RequestId, resume: Resume, deadline: Instant) -> Result<(), Failure> {
        check_version(resume.protocol)?;
        self.state = State::SigningIn { re, deadline };
        self.outputs.push_back(SessionOutput::Resume { re, resume });
        Ok(())
    }

    fn prepare(&mut self, re: RequestId, prepare: Prepare) -> Result<(), Failure> {
        if self.state == State::InGroup {
            return Err(Failure::new(
                ErrorCode::JoinedTwice,
                "in a group already: offer there instead",
            ));
        }
        if prepare.sdp.len() > MAX_SDP {
            let message = format!("an offer has at most {MAX_SDP} bytes");
            return Err(Failure::new(ErrorCode::InvalidArgument, message));
        }
        let group = parse_group(&prepare.group)?;
        self.due = Some(re);
        self.outputs.push_back(SessionOutput::Prepare { re, group, prepare });
        Ok(())
    }

    fn join(&mut self, re: RequestId, group: &str) -> Result<(), Failure> {
        if self.state == State::InGroup {
            return Err(Failure::new(
                ErrorCode::JoinedTwice,
                "in a group already: leave it first",
            ));
        }
        let group = parse_group(group)?;
        self.state = State::Joining { re };
        self.outputs.push_back(SessionOutput::Join { group, re });
        Ok(())
    }

    fn ask_group(&mut self, re: RequestId, request: GroupRequest) -> Result<(), Failure> {
        self.must_be_in_group()?;
        match request {
            GroupRequest::Offer(_) => drop(self.offers.insert(re)),
            _ => self.due = Some(re),
        }
        self.outputs.push_back(SessionOutput::Group { re, request });
        Ok(())
    }

    fn ask(&mut self, re: RequestId, request: UserRequest) -> Result<(), Failure> {
        self.due = Some(re);
        self.outputs.push_back(SessionOutput::Ask { re, request });
        Ok(())
    }

    fn must_be_in_group(&self) -> Result<(), Failure> {
        if self.state == State::InGroup {
            Ok(())
        } else {
            Err(not_in_group())
        }
    }

    fn pay_message(&mut self, now: Instant, code: ErrorCode) -> Result<(), Failure> {
        if self.messages.take(now) {
            return Ok(());
        }
        Err(Failure::new(code, "too many messages: 100 a second are the most").retry_after(10))
    }
}

fn parse_group(group: &str) -> Result<GroupId, Failure> {
    GroupId::parse(group).map_err(|e| Failure::new(ErrorCode::InvalidArgument, format!("the Group ID {e}")))
}

fn check_version(protocol: u16) -> Result<(), Failure> {
    if protocol == VERSION {
        return Ok(());
    }
    let message = format!("protocol {protocol} is not spoken here: use {VERSION}");
    Err(Failure::new(ErrorCode::InvalidArgument, message))
}

fn check_text(what: &str, text: &str) -> Result<(), Failure> {
    if text.len() <= MAX_NAME_TEXT {
        return Ok(());
    }
    let message = format!("{what} have at most {MAX_NAME_TEXT} bytes");
    Err(Failure::new(ErrorCode::InvalidArgument, message))
}
