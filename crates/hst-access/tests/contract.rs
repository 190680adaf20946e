//! Every discovery of this crate keeps the laws of the seam.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{sync::Arc, time::Duration};

use hst_access::{
    AccessDiscovery, AccessPoints, Cached, FirstOf, IceServer, StaticAccess, access_contract, contract::Fixture,
};
use hst_id::AppId;

fn fixture(access: impl AccessDiscovery) -> Fixture {
    Fixture {
        access: Box::new(access),
        app: AppId::parse("app").unwrap(),
        keep: Box::new(()),
    }
}

fn fixed() -> StaticAccess {
    let ice = IceServer {
        urls: vec!["stun:10.0.0.5:3478".into()],
        username: None,
        credential: None,
    };
    let points = AccessPoints::new(["quic://10.0.0.5:7880", "ws://10.0.0.5:7880/v1/signal"]).unwrap();
    StaticAccess::new(points.with_ice_servers(vec![ice]))
}

access_contract!(static_access, fixture(fixed()));
access_contract!(cached, fixture(Cached::new(fixed(), Duration::from_secs(60))));
access_contract!(first_of, fixture(FirstOf::new(fixed()).or(fixed())));
access_contract!(shared, fixture(Arc::new(fixed())));
access_contract!(boxed, fixture(Box::new(fixed()) as Box<dyn AccessDiscovery>));
