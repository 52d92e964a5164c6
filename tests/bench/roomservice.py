"""What an engine asks of LiveKit, and as fast as can be: no media, no time.

A room of twenty thousand, or five thousand rooms, are more than a LiveKit server
on a bench can hold.  Whoever shows a token is in its room until it is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count

import jwt
from aiohttp import web
from google.protobuf import json_format
from google.protobuf.message import Message
from livekit import api
from livekit.protocol import models as proto

__all__ = ["room_service"]


class _Absent(Exception):  # noqa: N818 -- not an error of the bench
    """There is no such room, or nobody of that name in it."""


class _Rooms:
    """Rooms and who is in them.

    Attributes:
        requests: How many were asked.
        traffic: In both directions, bodies alone, in bytes.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.traffic = 0
        self._rooms: dict[str, proto.Room] = {}
        self._people: dict[str, dict[str, proto.ParticipantInfo]] = {}
        self._numbers = count(1)

    def enter(self, token: str) -> proto.ParticipantInfo:
        """Let the holder of *token* in."""
        claims = jwt.decode(token, options={"verify_signature": False})
        video = claims["video"]
        now = time.time()
        self._create(api.CreateRoomRequest(name=video["room"]))
        person = proto.ParticipantInfo(
            sid=f"PA_{next(self._numbers)}",
            identity=claims["sub"],
            name=claims.get("name", ""),
            state=proto.ParticipantInfo.State.ACTIVE,
            metadata=claims["metadata"],
            joined_at=int(now),
            joined_at_ms=int(now * 1_000),
            permission=proto.ParticipantPermission(
                can_subscribe=video["canSubscribe"],
                can_publish=video["canPublish"],
                can_publish_data=video["canPublishData"],
                can_publish_sources=map(str.upper, video["canPublishSources"]),
            ),
        )
        self._people[video["room"]][person.identity] = person
        return person

    def answer(self, method: str, body: bytes) -> bytes:
        """Return the answer to one request.

        Raises:
            _Absent: If what it names is not there.
        """
        kind, serve = self._methods[method]
        answered = serve(self, kind.FromString(body)).SerializeToString()
        self.requests += 1
        self.traffic += len(body) + len(answered)
        return answered

    def _create(self, asked: api.CreateRoomRequest) -> proto.Room:
        if asked.name not in self._rooms:
            self._rooms[asked.name] = proto.Room(
                sid=f"RM_{next(self._numbers)}",
                name=asked.name,
                metadata=asked.metadata,
                empty_timeout=asked.empty_timeout,
                creation_time=int(time.time()),
            )
            self._people[asked.name] = {}
        return self._room(asked.name)

    def _delete(self, asked: api.DeleteRoomRequest) -> api.DeleteRoomResponse:
        self._room(asked.room)
        del self._rooms[asked.room], self._people[asked.room]
        return api.DeleteRoomResponse()

    def _list(self, asked: api.ListRoomsRequest) -> api.ListRoomsResponse:
        names = asked.names or self._rooms
        found = [self._room(name) for name in names if name in self._rooms]
        return api.ListRoomsResponse(rooms=found)

    def _list_people(
        self, asked: api.ListParticipantsRequest
    ) -> api.ListParticipantsResponse:
        # LiveKit answers for a room that is not there, too.
        people = self._people.get(asked.room, {})
        return api.ListParticipantsResponse(participants=people.values())

    def _update(self, asked: api.UpdateParticipantRequest) -> proto.ParticipantInfo:
        person = self._person(asked.room, asked.identity)
        person.metadata = asked.metadata
        person.permission.CopyFrom(asked.permission)
        return person

    def _update_metadata(self, asked: api.UpdateRoomMetadataRequest) -> proto.Room:
        room = self._room(asked.room)
        self._rooms[asked.room].metadata = asked.metadata
        return room

    def _remove(self, asked: api.RoomParticipantIdentity) -> Message:
        self._person(asked.room, asked.identity)
        del self._people[asked.room][asked.identity]
        return api.RemoveParticipantResponse()

    def _send(self, asked: api.SendDataRequest) -> api.SendDataResponse:
        self._room(asked.room)
        return api.SendDataResponse()

    def _room(self, name: str) -> proto.Room:
        if name not in self._rooms:
            raise _Absent(name)
        room = self._rooms[name]
        room.num_participants = len(self._people[name])
        return room

    def _person(self, room: str, identity: str) -> proto.ParticipantInfo:
        if identity not in self._people.get(room, {}):
            raise _Absent(identity)
        return self._people[room][identity]

    _methods: Mapping[str, tuple[type[Message], Callable[..., Message]]] = {
        "CreateRoom": (api.CreateRoomRequest, _create),
        "DeleteRoom": (api.DeleteRoomRequest, _delete),
        "ListRooms": (api.ListRoomsRequest, _list),
        "ListParticipants": (api.ListParticipantsRequest, _list_people),
        "UpdateParticipant": (api.UpdateParticipantRequest, _update),
        "UpdateRoomMetadata": (api.UpdateRoomMetadataRequest, _update_metadata),
        "RemoveParticipant": (api.RoomParticipantIdentity, _remove),
        "SendData": (api.SendDataRequest, _send),
    }


def room_service() -> web.Application:
    """Return LiveKit's room service; ``/enter`` lets in, ``/counts`` tells."""
    rooms = _Rooms()

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            answered = rooms.answer(request.match_info["method"], body)
        except _Absent:
            refusal = {"code": "not_found", "msg": "it is not there"}
            return web.json_response(refusal, status=404)
        return web.Response(body=answered, content_type="application/protobuf")

    async def enter(request: web.Request) -> web.Response:
        people = map(rooms.enter, await request.json())
        return web.json_response([json_format.MessageToDict(each) for each in people])

    async def counts(_: web.Request) -> web.Response:
        return web.json_response({"requests": rooms.requests, "bytes": rooms.traffic})

    app = web.Application(client_max_size=2**28)
    app.router.add_post("/twirp/livekit.RoomService/{method}", answer)
    app.router.add_post("/enter", enter)
    app.router.add_get("/counts", counts)
    return app
