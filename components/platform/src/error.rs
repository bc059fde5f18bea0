//! What can go wrong when the system is asked about itself? No message names more than a stranger may know.

use kernel::{Fault, FieldFault, Kind, Span};

/// A fault of this component.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
    /// Some checks failed.
    #[error("The system is not ready to serve; `details` names what is missing.")]
    NotReady(Vec<FieldFault>),
    /// A component does not say what it answers to.
    #[error(
        "The component {0} did not say what it answers to, so the document would have a hole. Ask again in a moment."
    )]
    Missing(&'static str),
    /// The runtime's database does not do what ours relies on.
    #[error("The database of this runtime breaks a promise that Signalbox relies on: {0}")]
    Contract(String),
}

impl Fault for PlatformError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotReady(_) | Self::Missing(_) | Self::Contract(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotReady(_) => "NOT_READY",
            Self::Missing(_) => "INTERFACE_INCOMPLETE",
            Self::Contract(_) => "DATABASE_CONTRACT_BROKEN",
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::NotReady(faults) => faults,
            Self::Missing(_) | Self::Contract(_) => &[],
        }
    }

    fn retry_after(&self) -> Option<Span> {
        Some(Span::seconds(5))
    }
}
