// RUN: pqc opt %s -p 'lower-to-pqa{batch=2}' | filecheck %s

// The frames of a batch follow each other in every tensor. With tiles of both frames in a pass, codebooks, tables and
// parameters are loaded once for both.
// CHECK: pqa.program "pqa" accumulator_bits 16 batch 2
// CHECK: [[X:%[^ ]+]] = pqa.tensor "image" kind 0 <?x2x4x4xui8, 0.25> : !pqa.region<dram, 64>
// CHECK: [[Y:%[^ ]+]] = pqa.tensor "y" kind 1 <?x2x4x4xsi8, 0.5> : !pqa.region<dram, 64>
// CHECK: [[I:%[^ ]+]] = pqa.allocate persistent : !pqa.region<activation, 64>
// CHECK-COUNT-7: pqa.load dram = [[X]], address = [[I]]
// CHECK-NEXT: pqa.load dram = [[X]], address = [[I]] <dram_offset = 44, address_offset = 44,
// CHECK: pqa.encode source = [[I]], codebook = [[K:%[^ ]+]] <channels = 2, height = 4, width = 4, plane_stride = 16,
// CHECK: pqa.lookup table = [[T:%[^ ]+]], bias = [[R:%[^ ]+]], accumulator = %{{[^ ]+}} <{{.*}}first = 1>
// CHECK: pqa.store dram = [[Y]], address = %{{[^ ]+}} <item_bytes = 32, items = 1, rows = 1, planes = 1>
// CHECK-NOT: pqa.load
// CHECK: pqa.encode source = [[I]], codebook = [[K]] <source_offset = 32,
// CHECK: pqa.lookup table = [[T]], bias = [[R]], accumulator = %{{[^ ]+}} <{{.*}}first = 1>
// CHECK: pqa.store dram = [[Y]], address = %{{[^ ]+}} <dram_offset = 32, item_bytes = 32, items = 1, rows = 1, planes = 1>

builtin.module attributes {pqc.schedule = {layers = {pq = {columns = 4 : i64, inputs = 2 : i64, keep_codes = false, outputs = 2 : i64, resident = false, rows = 4 : i64, tiles = 2 : i64}}}, pqc.inputs = ["image"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui8, 0.25>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %k = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.25>, tensor<2x2x1xui8> -> !pq.codes<[?, 2, 4, 4], 2> loc("pq")
    %l = pq.lookup %k, %table, %v table_bits 8 : !pq.codes<[?, 2, 4, 4], 2>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16> loc("pq")
    %p = qnn.requantize %l, %v, %v clip [-128, 2] : tensor<?x2x4x4xsi16>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")
    func.return %p : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
