"""Networks at the float level as ONNX files that any ONNX runtime executes."""
