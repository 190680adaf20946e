"""A publisher by WHIP or a player by WHEP that is made of aiortc.

    aiortc_peer.py publish|play URL TOKEN [SRTP_PROFILE] [ADDRESS]

With a profile it knows only that one; with an address of this machine it uses only that one, which may be of loopback.

It prints "flowing" when sound and picture flow, goes on until its standard input ends, deletes its resource, and prints
what it counted as JSON; a player also how loud the last piece of sound was, and how bright the last picture.
"""

import array
import asyncio
import contextlib
import json
import sys
import urllib.parse
import urllib.request

from aioice import ice
from aiortc import RTCPeerConnection, RTCSessionDescription, rtcdtlstransport
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from av import AudioFrame

# So many pictures are a second's, and so many pieces of sound.
PICTURES, SOUNDS = 30, 50


def ask(method, url, token, body=None):
    """One HTTP request; its answer, read."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    request = urllib.request.Request(url, method=method, headers=headers, data=body and body.encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, response.headers, response.read().decode()


async def begin(peer, url, token):
    """Offers, takes the answer, and gives the address of the resource."""
    await peer.setLocalDescription(await peer.createOffer())
    _, headers, answer = await asyncio.to_thread(ask, "POST", url, token, peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return urllib.parse.urljoin(url, headers["Location"])


async def sent(peer):
    """Packets sent by kind."""
    stats = (await peer.getStats()).values()
    return {it.kind: it.packetsSent for it in stats if it.type == "outbound-rtp"}


async def publish(peer, url, token):
    peer.addTrack(AudioStreamTrack())
    peer.addTrack(VideoStreamTrack())
    resource = await begin(peer, url, token)
    while min((await sent(peer)).values(), default=0) == 0:
        await asyncio.sleep(0.02)
    return resource, lambda: sent(peer)


def strength(frame):
    """How loud a piece of sound is at most, or how bright the first line of a picture is on average."""
    plane = bytes(frame.planes[0])
    if isinstance(frame, AudioFrame):
        return max(abs(sample) for sample in array.array("h", plane))
    return sum(plane[: frame.width]) // frame.width


async def play(peer, url, token):
    frames = {"audio": 0, "video": 0}
    last = {}
    are_there = {"audio": asyncio.Event(), "video": asyncio.Event()}
    wanted = {"audio": SOUNDS, "video": PICTURES}

    async def count(track):
        with contextlib.suppress(MediaStreamError):
            while True:
                last[track.kind] = await track.recv()
                frames[track.kind] += 1
                if frames[track.kind] == wanted[track.kind]:
                    are_there[track.kind].set()

    tasks = []
    peer.on("track", lambda track: tasks.append(asyncio.ensure_future(count(track))))
    peer.addTransceiver("audio", direction="recvonly")
    peer.addTransceiver("video", direction="recvonly")
    resource = await begin(peer, url, token)
    for event in are_there.values():
        await event.wait()

    async def counted():
        stats = [it for it in (await peer.getStats()).values() if it.type == "inbound-rtp"]
        packets = {it.kind: it.packetsReceived for it in stats}
        lost = {it.kind: it.packetsLost for it in stats}
        strengths = {kind: strength(frame) for kind, frame in last.items()}
        return {"frames": frames, "packets": packets, "lost": lost, "strength": strengths}

    return resource, counted


async def main(role, url, token, profile=None, address=None):
    if profile:
        known = rtcdtlstransport.SRTP_PROFILES
        known[:] = [it for it in known if it.openssl_profile == profile.encode()]
    if address:
        ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
    peer = RTCPeerConnection()
    resource, counted = await {"publish": publish, "play": play}[role](peer, url, token)
    print("flowing", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    counted = await counted()
    status, _, _ = await asyncio.to_thread(ask, "DELETE", resource, token)
    print(json.dumps({"counted": counted, "deleted": status}), flush=True)
    await peer.close()


asyncio.run(main(*sys.argv[1:]))
