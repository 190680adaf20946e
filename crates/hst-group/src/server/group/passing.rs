use hst_proto::{Event, Priority};

use super::{Group, Height};
use crate::server::{MediaCommand, MemberId};

impl Group {
    /// A member comes by another node from now on, and is called so. The others are told nothing. The media plane there is told
    /// what it must know of him before his transport comes, and he that he is to bring one. Gives whether he is a member.
    pub fn handle_passed(&mut self, from: MemberId, to: MemberId) -> bool {
        if !self.members.contains_key(&from) {
            return false;
        }
        self.handle_moved(from, to);
        let Some(member) = self.members.get_mut(&to) else {
            return false;
        };
        // What is offered of the transport at the other node is of no use here.
        let moved = member.generation;
        member.generation += u32::from(moved > 0);
        let starved = std::mem::take(&mut member.starved);
        let mut commands: Vec<_> = member
            .held
            .iter()
            .map(|&track| MediaCommand::HoldTrack {
                member: to,
                track,
                held: true,
            })
            .collect();
        let priorities = member.priorities.iter().filter(|(_, it)| **it != Priority::Normal);
        commands.extend(priorities.map(|(&track, &priority)| MediaCommand::PrioritizeTrack {
            member: to,
            track,
            priority,
        }));
        let views: Vec<_> = member
            .receives
            .iter()
            .filter(|(_, height)| !matches!(height.to_wire(), None | Some(0)))
            .map(|(key, &height)| (key.clone(), height))
            .collect();
        commands.extend(views.into_iter().filter_map(|(key, height): (_, Height)| {
            Some(MediaCommand::ViewTrack {
                member: to,
                track: self.track_of(&key)?,
                height: height.to_wire(),
            })
        }));
        commands.into_iter().for_each(|command| self.command(command));
        for track in starved {
            self.handle_starved(to, track, false);
        }
        if moved > 0 {
            self.tell_one(to, &Event::TransportMoved { generation: moved });
        }
        true
    }
}
