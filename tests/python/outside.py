"""A Baton server seen from outside: messages come from reflection alone, no generated file of ours is used."""

import os
import re
import subprocess
import tempfile
import uuid

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

SERVICES = ["LedgerService", "TransitionService", "AuditService", "RouteService", "DirectoryService"]


class Refused(Exception):
    """A call that was refused, with every unmet rule or field."""

    def __init__(self, error):
        super().__init__(error.details())
        self.code = error.code()
        self.reason, self.rules, self.fields = None, [], []
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.PreconditionFailure, error_details_pb2.BadRequest):
                message = kind()
                if detail.Unpack(message):
                    if kind is error_details_pb2.ErrorInfo:
                        self.reason = message.reason
                    elif kind is error_details_pb2.PreconditionFailure:
                        self.rules = [violation.type for violation in message.violations]
                    else:
                        self.fields = [violation.field for violation in message.field_violations]


class Client:
    """Calls methods by name with plain dictionaries."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)
        listed = set(self.database.get_services())
        missing = [name for name in SERVICES if f"baton.v1.{name}" not in listed]
        assert not missing, f"reflection does not list {missing}"

    def call(self, service, method, request, person=None):
        described = self.pool.FindServiceByName(f"baton.v1.{service}").FindMethodByName(method)
        asked = message_factory.GetMessageClass(described.input_type)
        answered = message_factory.GetMessageClass(described.output_type)
        path = f"/baton.v1.{service}/{method}"
        kind = self.channel.unary_stream if described.server_streaming else self.channel.unary_unary
        stub = kind(path, request_serializer=asked.SerializeToString, response_deserializer=answered.FromString)
        metadata = [("baton-person", person)] if person else []
        message = json_format.ParseDict(request, asked())
        plain = lambda m: json_format.MessageToDict(m, preserving_proto_field_name=True)
        try:
            answer = stub(message, metadata=metadata, timeout=30)
            return [plain(m) for m in answer] if described.server_streaming else plain(answer)
        except grpc.RpcError as error:
            raise Refused(error) from error


class Server:
    """`baton demo` on a free port, in a directory of its own where none is given; stopped when the block ends."""

    def __init__(self, data=None):
        self.data = data

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="baton-outside-")
        data = self.data or f"{self.directory.name}/data"
        command = [os.environ["BATON_BIN"], "demo", "--data", data, "--listen", "127.0.0.1:0", "--no-progress"]
        self.log = open(f"{self.directory.name}/log", "w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            found = re.search(r"\bon (127\.0\.0\.1:\d+)", line)
            if found:
                self.address = found.group(1)
                return self
        self.log.seek(0)
        raise SystemExit(f"the server did not start:\n{self.log.read()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.ended = self.process.wait(timeout=60)
        self.log.close()
        self.directory.cleanup()


def record(client, person, *commands, **more):
    """Records commands as one request."""
    request = {"command_id": str(uuid.uuid4()), "commands": list(commands), **more}
    return client.call("LedgerService", "Record", request, person)
