//! The action cache: what others have put here, then what the store has of its own.

use prost::Message;
use pwb_cache::{Function, Name, Store, reapi};
use reapi::action_cache_server::ActionCache;
use tonic::{Request, Response, Status};

use super::complete::is_complete;
use super::error::to_status;
use super::metrics::Metrics;
use super::own;
use super::service::{Shared, function, name};
use super::whole::Whole;

#[tonic::async_trait]
impl ActionCache for Shared {
    async fn get_action_result(
        &self,
        request: Request<reapi::GetActionResultRequest>,
    ) -> Result<Response<reapi::ActionResult>, Status> {
        self.answer("GetActionResult", async {
            let request = request.into_inner();
            let function = function(request.digest_function)?;
            let action = name(function, request.action_digest.as_ref())?;
            let (metrics, whole) = (self.metrics.clone(), self.whole.clone());
            let found = self
                .blocking(move |store| result(store, &metrics, &whole, action))
                .await?;
            self.metrics.result(found.is_some());
            found.ok_or_else(|| Status::not_found(format!("there is no result of action {action}")))
        })
        .await
    }

    async fn update_action_result(
        &self,
        request: Request<reapi::UpdateActionResultRequest>,
    ) -> Result<Response<reapi::ActionResult>, Status> {
        self.answer("UpdateActionResult", async {
            self.access.check(&request)?;
            let request = request.into_inner();
            let function = function(request.digest_function)?;
            let action = name(function, request.action_digest.as_ref())?;
            let result = request.action_result;
            let result = result.ok_or_else(|| Status::invalid_argument("there is no result"))?;
            let (metrics, whole) = (self.metrics.clone(), self.whole.clone());
            self.blocking(move |store| put(store, &metrics, &whole, action, result))
                .await
        })
        .await
    }
}

fn result(
    store: &Store,
    metrics: &Metrics,
    whole: &Whole,
    action: Name,
) -> Result<Option<reapi::ActionResult>, Status> {
    let given = store.answer(action).map_err(|error| to_status(&error))?;
    if let Some(result) = usable(store, metrics, whole, action.function(), given)? {
        return Ok(Some(result));
    }
    let Name::Blake3(action) = action else {
        return Ok(None);
    };
    let own = own::result(store, action).map_err(|error| to_status(&error))?;
    usable(store, metrics, whole, Function::Blake3, own)
}

/// The result, if it is one and all that it names is there.
fn usable(
    store: &Store,
    metrics: &Metrics,
    whole: &Whole,
    function: Function,
    bytes: Option<Vec<u8>>,
) -> Result<Option<reapi::ActionResult>, Status> {
    let result = bytes.and_then(|bytes| reapi::ActionResult::decode(bytes.as_slice()).ok());
    match result {
        Some(result) if is_complete(store, metrics, whole, function, &result)? => Ok(Some(result)),
        _ => Ok(None),
    }
}

fn put(
    store: &Store,
    metrics: &Metrics,
    whole: &Whole,
    action: Name,
    result: reapi::ActionResult,
) -> Result<reapi::ActionResult, Status> {
    if !is_complete(store, metrics, whole, action.function(), &result)? {
        return Err(Status::failed_precondition(format!(
            "the result of action {action} names blobs that are not in the store: upload them first"
        )));
    }
    let put = store.put_answer(action, &result.encode_to_vec());
    put.map_err(|error| to_status(&error))?;
    Ok(result)
}
