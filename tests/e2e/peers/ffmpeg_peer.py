"""A publisher by WHIP that is FFmpeg's: its own WHIP muxer, H.264 and Opus, driven from Python by PyAV.

    ffmpeg_peer.py publish URL TOKEN PEM DTLS_ROLE [ADDRESS]

PEM is a file with a key and its certificate, DTLS_ROLE "passive" or "active". The address is not looked at: FFmpeg connects
to the first candidate of the answer.

It publishes a grey picture of the brightness 180 and a tone that goes up to 8000, prints "flowing" when both do, goes on
until its standard input ends, lets FFmpeg end its stream, and prints what it has sent as JSON.
"""

import array
import json
import math
import sys
import threading
import time
from fractions import Fraction

import av

PICTURES = 30
SAMPLES, PIECE = 48000, 960
BRIGHTNESS, LOUDNESS, PITCH = 180, 8000, 440


def picture(number):
    frame = av.VideoFrame(320, 240, "yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, PICTURES)
    for plane, value in zip(frame.planes, (BRIGHTNESS, 128, 128)):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def sound(start):
    frame = av.AudioFrame("s16", "stereo", PIECE)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLES, start, Fraction(1, SAMPLES)
    tone = (round(LOUDNESS * math.sin(math.tau * PITCH * at / SAMPLES)) for at in range(start, start + PIECE))
    frame.planes[0].update(array.array("h", (value for value in tone for _ in range(2))).tobytes())
    return frame


def publish(url, token, pem, role, ended):
    options = {"authorization": token, "cert_file": pem, "key_file": pem}
    if role == "active":
        options["whip_flags"] = "dtls_active"
    sent = {"audio": 0, "video": 0}
    with av.open(url, "w", format="whip", options=options) as output:
        # What `ffmpeg -c:v libx264 -profile:v baseline -bf 0 -g 30 -c:a libopus -ar 48000 -ac 2` makes, without delay.
        made = {"profile": "baseline", "bf": "0", "g": str(PICTURES), "preset": "ultrafast", "tune": "zerolatency"}
        video = output.add_stream("libx264", rate=PICTURES, width=320, height=240, pix_fmt="yuv420p", options=made)
        audio = output.add_stream("libopus", rate=SAMPLES, layout="stereo")
        begun, samples = None, 0
        while not ended.is_set():
            output.mux(video.encode(picture(sent["video"])))
            sent["video"] += 1
            while samples * PICTURES < sent["video"] * SAMPLES:
                output.mux(audio.encode(sound(samples)))
                samples += PIECE
                sent["audio"] += 1
            # The first picture has waited for the handshake.
            if begun is None:
                begun = time.monotonic() - 1 / PICTURES
                print("flowing", flush=True)
            time.sleep(max(0, begun + sent["video"] / PICTURES - time.monotonic()))
    return sent


def wait_for_end(ended):
    sys.stdin.read()
    ended.set()


def main(role, url, token, pem, dtls_role, _address=None):
    assert role == "publish", "FFmpeg's WHIP muxer publishes"
    ended = threading.Event()
    threading.Thread(target=wait_for_end, args=[ended], daemon=True).start()
    av.logging.set_level(av.logging.VERBOSE)
    with av.logging.Capture(local=False) as said:
        sent = publish(url, token, pem, dtls_role, ended)
    # It tells the status of the answer to its DELETE by these words alone.
    deleted = any("Dispose resource" in words and words.strip().endswith(" ok") for _, _, words in said)
    print(json.dumps({"counted": sent, "deleted": 200 if deleted else None}), flush=True)


main(*sys.argv[1:])
