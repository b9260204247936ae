//! The pages of a tree, for `GetTree`.

use pwb_cache::{Store, reapi};
use tonic::Status;

use super::error::gone;
use super::metrics::Metrics;
use super::service::{Shared, function, name};
use super::stream::Source;
use super::walk::Walk;

/// The directories of a page have about so many bytes.
const PAGE: u64 = 512 << 10;

/// A tree of which some pages have been sent.
#[derive(Debug)]
pub struct Pages {
    walk: Walk<'static>,
    /// Directories so far; a page's token is the number of those before it, since the walk is always the same.
    count: u64,
    skip: u64,
    at_most: usize,
}

impl Pages {
    pub async fn begin(service: &Shared, request: reapi::GetTreeRequest) -> Result<Pages, Status> {
        let function = function(request.digest_function)?;
        let root = name(function, request.root_digest.as_ref())?;
        let skip = match &*request.page_token {
            "" => Ok(0),
            token => token.parse(),
        };
        let skip = skip.map_err(|_| Status::invalid_argument("this is no token of a page"))?;
        if !service.has(root).await? {
            return Err(gone(root));
        }
        let at_most = usize::try_from(request.page_size).unwrap_or(0);
        Ok(Pages {
            walk: Walk::new(root),
            count: 0,
            skip,
            at_most: if at_most == 0 { usize::MAX } else { at_most },
        })
    }
}

impl Source for Pages {
    type Part = reapi::GetTreeResponse;

    fn next(&mut self, store: &Store, metrics: &Metrics) -> Result<Option<Self::Part>, Status> {
        let (mut page, mut size) = (Self::Part::default(), 0);
        while size < PAGE && page.directories.len() < self.at_most {
            let Some((directory, bytes)) = self.walk.next(store, metrics)? else {
                // The last page has no token.
                return Ok((!page.directories.is_empty()).then_some(page));
            };
            self.count += 1;
            if self.count > self.skip {
                page.directories.push(directory);
                size += bytes;
            }
        }
        page.next_page_token = self.count.to_string();
        Ok(Some(page))
    }
}
