//! Who may write, and the certificates.

use pwb_cache::{Function, Name, reapi};
use pwb_remote::server::{Access, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reapi::capabilities_client::CapabilitiesClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use tonic::{Code, Request};

use crate::served::{Served, TOKEN, allowed, parts, upload};

async fn may_write<T>(served: &Served, wrap: impl Fn(()) -> Request<T>) -> bool {
    let (metadata, extensions, _) = wrap(()).into_parts();
    let request = reapi::GetCapabilitiesRequest::default();
    let request = Request::from_parts(metadata, extensions, request);
    let response = served.capabilities().get_capabilities(request).await;
    let cache = response.unwrap().into_inner().cache_capabilities.unwrap();
    cache
        .action_cache_update_capabilities
        .unwrap()
        .update_enabled
}

#[tokio::test]
async fn capabilities_say_what_the_server_can_and_what_the_caller_may() {
    let served = Served::start().await;
    assert!(may_write(&served, allowed).await);
    assert!(!may_write(&served, Request::new).await);
    let request = reapi::GetCapabilitiesRequest::default();
    let response = served.capabilities().get_capabilities(request).await;
    let can = response.unwrap().into_inner();
    let (low, high) = (can.low_api_version.unwrap(), can.high_api_version.unwrap());
    assert_eq!((low.major, low.minor, high.major), (2, 0, 2));
    assert!(high.minor >= 3 && can.execution_capabilities.is_none());
    let cache = can.cache_capabilities.unwrap();
    assert_eq!(cache.supported_compressors, [1]);
    assert_eq!(cache.supported_batch_update_compressors, [1]);
    assert_eq!(cache.max_cas_blob_size_bytes, 64 << 20);
    assert_eq!(cache.digest_functions.len(), 2);
}

/// What each way to write says to this caller.
async fn codes<T>(served: &Served, wrap: impl Fn(()) -> Request<T>) -> [Code; 3] {
    let (metadata, _, _) = wrap(()).into_parts();
    fn with<M>(metadata: &tonic::metadata::MetadataMap, message: M) -> Request<M> {
        Request::from_parts(metadata.clone(), Default::default(), message)
    }
    let name = Name::of(Function::Sha256, b"blob");
    let write = parts(&upload(name, false), 0, b"blob", true);
    let write = with(&metadata, tokio_stream::iter(write));
    let write = served.bytes().write(write).await.map(drop);
    let update = reapi::BatchUpdateBlobsRequest::default();
    let update = served
        .blobs()
        .batch_update_blobs(with(&metadata, update))
        .await;
    let result = reapi::UpdateActionResultRequest {
        action_digest: Some(name.to_message()),
        action_result: Some(reapi::ActionResult::default()),
        ..Default::default()
    };
    let result = served
        .results()
        .update_action_result(with(&metadata, result))
        .await;
    let code =
        |outcome: Result<(), tonic::Status>| outcome.map_or_else(|s| s.code(), |()| Code::Ok);
    [code(write), code(update.map(drop)), code(result.map(drop))]
}

fn bearer(token: &str) -> impl Fn(()) -> Request<()> {
    let value: tonic::metadata::MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
    move |()| {
        let mut request = Request::new(());
        request
            .metadata_mut()
            .insert("authorization", value.clone());
        request
    }
}

#[tokio::test]
async fn writing_needs_the_token() {
    let served = Served::start().await;
    assert_eq!(
        codes(&served, Request::new).await,
        [Code::PermissionDenied; 3]
    );
    assert_eq!(
        codes(&served, bearer("wrong")).await,
        [Code::Unauthenticated; 3]
    );
    let name = Name::of(Function::Sha256, b"blob");
    assert_eq!(served.missing(&[name]).await.len(), 1);
    assert_eq!(codes(&served, bearer(TOKEN)).await, [Code::Ok; 3]);
    assert_eq!(served.missing(&[name]).await, []);
}

#[tokio::test]
async fn a_read_only_server_takes_nothing_from_anybody() {
    let served = Served::with(|config| config.access = Access::read_only()).await;
    assert_eq!(
        codes(&served, bearer(TOKEN)).await,
        [Code::PermissionDenied; 3]
    );
    assert!(!may_write(&served, bearer(TOKEN)).await);
}

#[tokio::test]
async fn writing_needs_a_certificate_of_the_clients_authority() {
    let authority = |name: &str| {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, others) = (authority("ours"), authority("others"));
    let signed = |by: &CertifiedIssuer<'_, KeyPair>| {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, by).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let (certificate, key) = signed(&ours);
    let certificate = file("server.pem", &certificate);
    let (key, clients) = (file("server.key", &key), file("ca.pem", &ours.pem()));
    let tls = Tls::read(&certificate, &key, Some(&clients)).unwrap();
    let served = Served::with(|config| {
        config.tls = Some(tls);
        config.access = Access::read_only().with_certificates();
    })
    .await;
    let ask = async |identity: Option<(String, String)>| {
        let authority = Certificate::from_pem(ours.pem());
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(authority)
            .domain_name("localhost");
        if let Some((certificate, key)) = identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        let endpoint = Channel::from_shared(format!("https://{}", served.address)).unwrap();
        let channel = endpoint
            .tls_config(tls)
            .unwrap()
            .connect()
            .await
            .map_err(drop)?;
        let request = reapi::GetCapabilitiesRequest::default();
        let response = CapabilitiesClient::new(channel)
            .get_capabilities(request)
            .await;
        let cache = response
            .map_err(drop)?
            .into_inner()
            .cache_capabilities
            .unwrap();
        Ok::<_, ()>(
            cache
                .action_cache_update_capabilities
                .unwrap()
                .update_enabled,
        )
    };
    assert_eq!(ask(None).await, Ok(false));
    assert_eq!(ask(Some(signed(&ours))).await, Ok(true));
    assert_eq!(ask(Some(signed(&others))).await, Err(()));
}

#[tokio::test]
async fn a_file_without_a_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    assert!(Access::read_only().with_token_file(&file).is_err());
    std::fs::write(&file, " \n").unwrap();
    let refused = Access::read_only().with_token_file(&file).unwrap_err();
    assert!(refused.to_string().contains("token"), "{refused}");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let access = Access::read_only().with_token_file(&file).unwrap();
    assert!(access.may_write(&allowed(())));
}
