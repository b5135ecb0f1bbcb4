// Reads a profile with pprof-format and prints the sum of each sample type, one `name unit sum` a line, then the period
// in the same way, then the functions of each sample that lost anything, outermost first.
// Usage: node pprof.js PROFILE
const fs = require("fs");
const zlib = require("zlib");
const { Profile } = require("pprof-format");

const profile = Profile.decode(zlib.gunzipSync(fs.readFileSync(process.argv[2])));
const text = (index) => profile.stringTable.strings[Number(index)];
const functions = new Map(profile.function.map((one) => [String(one.id), text(one.name)]));
const locations = new Map(profile.location.map((one) => [String(one.id), one]));
const names = profile.sampleType.map((type) => text(type.type));
profile.sampleType.forEach((type, column) => {
  const sum = profile.sample.reduce((sum, sample) => sum + BigInt(sample.value[column]), 0n);
  console.log(text(type.type), text(type.unit), String(sum));
});
console.log("period", text(profile.periodType.unit), String(profile.period));
const lost = names.indexOf("lost_space");
for (const sample of profile.sample.filter((sample) => BigInt(sample.value[lost]) !== 0n)) {
  const frames = sample.locationId.flatMap((id) => locations.get(String(id)).line);
  console.log("stack", frames.map((line) => functions.get(String(line.functionId))).reverse().join(";"));
}
