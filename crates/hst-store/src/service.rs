use std::collections::BTreeMap;

use crate::InvalidValue;

/// What an App may use of the platform; the numbers are the platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Cameras (3).
    Video,
    /// Sound (4).
    Audio,
    /// Shared screens (5).
    ScreenShare,
    /// Messages between users and in groups (6).
    Messages,
    /// Who is online, and invitations (7).
    Presence,
    /// Recording (8).
    Record,
    /// Terminals in WeChat (9).
    WeChat,
}

impl Service {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Video,
        Self::Audio,
        Self::ScreenShare,
        Self::Messages,
        Self::Presence,
        Self::Record,
        Self::WeChat,
    ];

    /// The name that configuration files and the platform's answers have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::ScreenShare => "screen",
            Self::Messages => "messages",
            Self::Presence => "presence",
            Self::Record => "record",
            Self::WeChat => "wechat",
        }
    }
}

impl From<Service> for u8 {
    fn from(service: Service) -> Self {
        match service {
            Service::Video => 3,
            Service::Audio => 4,
            Service::ScreenShare => 5,
            Service::Messages => 6,
            Service::Presence => 7,
            Service::Record => 8,
            Service::WeChat => 9,
        }
    }
}

impl TryFrom<u8> for Service {
    type Error = InvalidValue;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        let service = Self::ALL.into_iter().find(|&service| u8::from(service) == number);
        service.ok_or(InvalidValue::UnknownService(number))
    }
}

/// The services of an App, each with the most that may be used of it, if there is such a limit.
///
/// The default is everything but WeChat, without limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services(BTreeMap<Service, Option<u32>>);

impl Default for Services {
    fn default() -> Self {
        let usual = Service::ALL.into_iter().filter(|&service| service != Service::WeChat);
        usual.map(|service| (service, None)).collect()
    }
}

impl Services {
    /// No service at all.
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether the App has this service.
    pub fn has(&self, service: Service) -> bool {
        self.0.contains_key(&service)
    }

    /// The most that may be used of a service; `None` if there is no limit, or no such service.
    pub fn use_limit(&self, service: Service) -> Option<u32> {
        self.0.get(&service).copied().flatten()
    }

    /// Gives the App a service, with the most that may be used of it or without a limit.
    pub fn enable(&mut self, service: Service, use_limit: Option<u32>) {
        self.0.insert(service, use_limit);
    }

    /// Takes a service from the App.
    pub fn disable(&mut self, service: Service) {
        self.0.remove(&service);
    }

    /// The services with their limits, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Service, Option<u32>)> {
        self.0.iter().map(|(&service, &use_limit)| (service, use_limit))
    }
}

impl FromIterator<(Service, Option<u32>)> for Services {
    fn from_iter<I: IntoIterator<Item = (Service, Option<u32>)>>(services: I) -> Self {
        Self(services.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_platforms() {
        assert_eq!(Service::ALL.map(u8::from), [3, 4, 5, 6, 7, 8, 9]);
        for number in 0..=u8::MAX {
            assert_eq!(Service::try_from(number).is_ok(), (3..=9).contains(&number), "{number}");
        }
    }

    #[test]
    fn all_but_wechat_is_on_until_somebody_says_otherwise() {
        let mut services = Services::default();
        assert_eq!(
            services.iter().map(|(service, _)| service.into()).collect::<Vec<u8>>(),
            [3, 4, 5, 6, 7, 8]
        );
        services.enable(Service::WeChat, Some(5));
        services.disable(Service::Video);
        assert!(services.has(Service::WeChat) && !services.has(Service::Video));
        assert_eq!(
            (services.use_limit(Service::WeChat), services.use_limit(Service::Audio)),
            (Some(5), None)
        );
    }
}
