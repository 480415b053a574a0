//! When something happens to which pod: one ordered set for all of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use super::player::{Next, Player};

/// The pods that have not ended, and their order in time.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    players: HashMap<Arc<str>, Player>,
    order: BTreeSet<(Instant, Arc<str>)>,
}

impl Timetable {
    /// Whether a pod is known.
    pub fn has(&self, uid: &str) -> bool {
        self.players.contains_key(uid)
    }

    /// The pod of that uid.
    pub fn get(&mut self, uid: &str) -> Option<&mut Player> {
        self.players.get_mut(uid)
    }

    /// Every uid.
    pub fn all(&self) -> Vec<Arc<str>> {
        self.players.keys().cloned().collect()
    }

    /// How many pods there are.
    pub fn len(&self) -> usize {
        self.players.len()
    }

    /// How many of them wait for a time.
    pub fn waiting(&self) -> usize {
        self.order.len()
    }

    /// Take a pod in.
    pub fn insert(&mut self, uid: &str, player: Player) {
        self.remove(uid);
        self.players.insert(uid.into(), player);
    }

    /// Forget a pod.
    pub fn remove(&mut self, uid: &str) {
        if let Some((uid, player)) = self.players.remove_entry(uid)
            && let Some(due) = player.due
        {
            self.order.remove(&(due, uid));
        }
    }

    /// Let something happen to a pod at a time, instead of what would have happened next.
    pub fn set(&mut self, uid: &str, due: Option<Instant>, next: Next) {
        let Some((uid, player)) =
            self.players.get_key_value(uid).map(|(uid, _)| uid.clone()).and_then(|uid| {
                let player = self.players.get_mut(&uid)?;
                Some((uid, player))
            })
        else {
            return;
        };
        if let Some(before) = player.due.take() {
            self.order.remove(&(before, uid.clone()));
        }
        (player.due, player.next) = (due, next);
        if let Some(due) = due {
            self.order.insert((due, uid));
        }
    }

    /// When the next thing happens.
    pub fn next_due(&self) -> Option<Instant> {
        self.order.first().map(|(due, _)| *due)
    }

    /// The next pod to which something happens until now.
    pub fn take_due(&mut self, now: Instant) -> Option<Arc<str>> {
        self.next_due().filter(|due| *due <= now)?;
        let (_, uid) = self.order.pop_first()?;
        if let Some(player) = self.players.get_mut(&uid) {
            player.due = None;
        }
        Some(uid)
    }
}
