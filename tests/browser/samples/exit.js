hstRtcEngine.exit()
.then(() => {
	console.log("Exit success.");
})
.catch(() => {
	console.log("Exit failed!");
})

// do something cleanning without waiting for async callback
...
