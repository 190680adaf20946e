//! A server with a certificate that nobody but its own clients trusts.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{path::PathBuf, sync::Arc};

use hst_access::{AccessPoints, StaticAccess};
use hst_media_str0m::Str0mEngine;
use hst_rtc::{
    ClientBuilder, Preset, RtcEngine,
    signal::{Limits, SignalTransport},
};
use hst_signal_ws::WsTransport;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use tempfile::TempDir;

use crate::house::{Member, within};

/// A certificate with its key, in files, and those who trust it.
#[derive(Debug)]
pub struct Certificate {
    /// The file of the certificate.
    pub cert: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    trust: Arc<ClientConfig>,
    _folder: TempDir,
}

impl Certificate {
    /// One of this name or address.
    pub fn of(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(made.cert.der().clone()).unwrap();
        let trust = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Self {
            cert,
            key,
            trust: Arc::new(trust),
            _folder: folder,
        }
    }

    /// Somebody who trusts it, with an initialised engine: for signalling at this origin (`wss://…`), and for the relay. What carries his
    /// signalling is made of what would carry it.
    pub async fn visitor(
        &self,
        origin: &str,
        early_media: bool,
        carrying: impl FnOnce(Arc<dyn SignalTransport>) -> Arc<dyn SignalTransport>,
    ) -> Member {
        let transport = WsTransport::new(Limits::default()).with_tls(self.trust.clone());
        let media = Arc::new(Str0mEngine::new().with_tls(self.trust.clone()));
        let access = AccessPoints::new([format!("{origin}/v1/signal")]).unwrap();
        let client = ClientBuilder::new(carrying(Arc::new(transport)), media).early_media(early_media);
        let engine = RtcEngine::with(Preset::new(Arc::new(StaticAccess::new(access)), client));
        let member = Member {
            events: engine.events(),
            engine,
        };
        within("init", member.engine.init(None)).await.unwrap();
        member
    }
}
