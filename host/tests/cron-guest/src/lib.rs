//! A cron component that calls another component at each tick, as the clock of an application does.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, Method, OutgoingRequest, Scheme};

wit_bindgen::generate!({ world: "clock", path: "wit", generate_all });

struct Clock;

impl Guest for Clock {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        let token = fermyon::spin::variables::get("token").map_err(|e| Error::Other(format!("{e:?}")))?;
        let headers = Fields::from_list(&[("authorization".to_owned(), format!("Bearer {token}").into_bytes())]);
        let request = OutgoingRequest::new(headers.map_err(|e| Error::Other(e.to_string()))?);
        let failed = |()| Error::Other("the request is not accepted".into());
        request.set_method(&Method::Get).map_err(failed)?;
        request.set_scheme(Some(&Scheme::Http)).map_err(failed)?;
        request.set_authority(Some("other.spin.internal")).map_err(failed)?;
        request.set_path_with_query(Some(&format!("/tick?{}", metadata.timestamp))).map_err(failed)?;
        let answer = outgoing_handler::handle(request, None).map_err(|e| Error::Other(e.to_string()))?;
        answer.subscribe().block();
        match answer.get() {
            Some(Ok(Ok(response))) if response.status() == 200 => Ok(()),
            other => Err(Error::Other(format!("{other:?}"))),
        }
    }
}

export!(Clock);
