use std::{collections::HashMap, sync::Arc};

use super::queue::Queue;

/// Who hears what. A filter is a whole name, or a [`Prefix`](crate::Prefix) as its text: empty, or with a dot behind
/// each part.
///
/// Sending costs one look-up for each part of the name, however many filters there are.
#[derive(Debug)]
pub(super) struct Routes<T> {
    queues: HashMap<Arc<str>, Vec<Arc<Queue<T>>>>,
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self { queues: HashMap::new() }
    }
}

impl<T: Clone> Routes<T> {
    /// A new queue for what `filter` lets through.
    pub(super) fn open(&mut self, filter: &str, capacity: usize) -> Arc<Queue<T>> {
        let queue = Arc::new(Queue::new(capacity));
        self.queues.entry(filter.into()).or_default().push(queue.clone());
        queue
    }

    pub(super) fn close(&mut self, filter: &str, queue: &Arc<Queue<T>>) {
        if let Some(queues) = self.queues.get_mut(filter) {
            queues.retain(|other| !Arc::ptr_eq(other, queue));
            if queues.is_empty() {
                self.queues.remove(filter);
            }
        }
    }

    /// Pushes to every queue that hears `name`, and returns how many they were.
    pub(super) fn send(&self, name: &str, item: &T) -> usize {
        if self.queues.is_empty() {
            return 0;
        }
        let heard = filters_of(name).filter_map(|filter| self.queues.get(filter)).flatten();
        heard.map(|queue| queue.push(item.clone())).count()
    }
}

/// Of `a.b` these are: the empty one, `a.` and `a.b`.
fn filters_of(name: &str) -> impl Iterator<Item = &str> {
    let prefixes = name.match_indices('.').map(|(dot, _)| &name[..=dot]);
    std::iter::once("").chain(prefixes).chain([name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_heard_by_itself_and_by_what_it_lies_beneath() {
        let mut routes = Routes::default();
        for filter in ["", "a.", "a.b", "a.b.", "a", "b.", "a.bc"] {
            routes.open(filter, 1);
        }
        assert_eq!(routes.send("a.b", &()), 3);
        assert_eq!(routes.send("a", &()), 2);
        assert_eq!(routes.send("c", &()), 1);
    }

    #[test]
    fn a_closed_queue_leaves_nothing_behind() {
        let mut routes = Routes::default();
        let queues = [routes.open("a", 1), routes.open("a", 1)];
        routes.close("a", &queues[0]);
        assert_eq!(routes.send("a", &()), 1);
        routes.close("a", &queues[1]);
        assert_eq!((routes.send("a", &()), routes.queues.len()), (0, 0));
    }
}
