"""Every exception utd_stream raises, split by who can act.

* UTDStreamException
    * UsageError
        * InvalidTransitionError
        * RefusedError
        * DescriptorLimitError
        * InvalidArgumentError
        * ClosedError
        * MailboxFullError
    * TransportError
        * ConnectError
        * IntermediaryError
        * TransportTimeoutError
        * DisconnectedError
    * ProtocolError
        * LocalProtocolError
        * RemoteProtocolError
    * EngineError
        * InvalidRequestError
        * UnauthenticatedError
        * PermissionDeniedError
            * BannedError
            * FeatureDisabledError
        * NotFoundError
        * ConflictError
        * RateLimitedError
        * UnavailableError
    * SfuError
        * SfuNotFoundError
        * SfuRefusedError
        * SfuSignatureError
    * MediaError
        * PublishError
        * SubscribeError
        * FileError
        * DeviceError

An engine error crosses the wire: the engine raises it, the client raises the
same class again, chosen by the HTTP status and then by the code.
"""

from __future__ import annotations

from utd_stream.errors._base import (
    ClosedError,
    ConnectError,
    DescriptorLimitError,
    DeviceError,
    DisconnectedError,
    FileError,
    IntermediaryError,
    InvalidArgumentError,
    InvalidTransitionError,
    LocalProtocolError,
    MailboxFullError,
    MediaError,
    ProtocolError,
    PublishError,
    RefusedError,
    RemoteProtocolError,
    SfuError,
    SfuNotFoundError,
    SfuRefusedError,
    SfuSignatureError,
    SubscribeError,
    TransportError,
    TransportTimeoutError,
    UsageError,
    UTDErrorCode,
    UTDStreamException,
)
from utd_stream.errors._engine import (
    BannedError,
    ConflictError,
    EngineError,
    FeatureDisabledError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
    engine_error,
)

__all__ = [
    "BannedError",
    "ClosedError",
    "ConflictError",
    "ConnectError",
    "DescriptorLimitError",
    "DeviceError",
    "DisconnectedError",
    "EngineError",
    "FeatureDisabledError",
    "FileError",
    "IntermediaryError",
    "InvalidArgumentError",
    "InvalidRequestError",
    "InvalidTransitionError",
    "LocalProtocolError",
    "MailboxFullError",
    "MediaError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProtocolError",
    "PublishError",
    "RateLimitedError",
    "RefusedError",
    "RemoteProtocolError",
    "SfuError",
    "SfuNotFoundError",
    "SfuRefusedError",
    "SfuSignatureError",
    "SubscribeError",
    "TransportError",
    "TransportTimeoutError",
    "UTDErrorCode",
    "UTDStreamException",
    "UnauthenticatedError",
    "UnavailableError",
    "UsageError",
    "engine_error",
]
